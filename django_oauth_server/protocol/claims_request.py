"""The `claims` parameter (OpenID Connect Core section 5.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from django_oauth_server.protocol.errors import InvalidRequest

Wanted = Mapping[str, Mapping[str, object]]
"""From the name of a claim to what is said of it: `essential`, `value`, `values`."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Which claims a client asks for one by one, and where they are to arrive."""

    userinfo: Wanted = field(default_factory=dict)
    id_token: Wanted = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `InvalidRequest` for what is no JSON object; what makes no sense within one asks for nothing."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise InvalidRequest("The parameter claims is not JSON.") from exc
        if not isinstance(document, dict):
            raise InvalidRequest("The parameter claims is not a JSON object.")
        return cls.of(document)

    @classmethod
    def of(cls, document: Mapping[str, object]) -> Self:
        """From the parameter's JSON object."""
        return cls(_wanted(document.get("userinfo")), _wanted(document.get("id_token")))

    def __bool__(self) -> bool:
        return bool(self.userinfo or self.id_token)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.userinfo).union(self.id_token)

    def document(self) -> dict[str, object]:
        """As JSON, to be kept: the names alone. What else a client wrote was looked at, and could be what no database takes."""
        parts = {"userinfo": self.userinfo, "id_token": self.id_token}
        return {name: dict.fromkeys(part) for name, part in parts.items() if part}

    def only(self, names: frozenset[str]) -> ClaimsRequest:
        """Without the claims that are not among *names*."""
        return ClaimsRequest(_only(self.userinfo, names), _only(self.id_token, names))

    def demanded(self, name: str) -> tuple[object, ...]:
        """The values, one of which *name* must have in the ID token: where it is essential. Empty: any will do."""
        said = self.id_token.get(name, {})
        return accepted(said) if said.get("essential") is True else ()


def accepted(said: Mapping[str, object]) -> tuple[object, ...]:
    """The values that `value` or `values` name."""
    values = said.get("values")
    named = [said.get("value"), *(values if isinstance(values, list) else [])]
    return tuple(value for value in named if value is not None)


def _wanted(part: object) -> Wanted:
    if not isinstance(part, dict):
        return {}
    return {name: said if isinstance(said, dict) else {} for name, said in part.items()}


def _only(part: Wanted, names: frozenset[str]) -> Wanted:
    return {name: said for name, said in part.items() if name in names}
