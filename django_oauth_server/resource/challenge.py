"""What a caller is told whose access token is absent or not enough (RFC 6750 section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django_oauth_server.protocol.scopes import format_scope

_TO_ESCAPE = re.compile(r'(["\\])')


@dataclass(frozen=True, slots=True)
class Challenge:
    """A refusal as a value: its status, and what its WWW-Authenticate header and its body say."""

    status: int
    error: str = ""
    description: str = ""
    scopes: frozenset[str] = frozenset()
    """All that the operation needs, so that a client has to ask the person once."""

    def header(self, realm: str) -> str:
        """The WWW-Authenticate header's value, RFC 6750 section 3."""
        attributes = {
            "realm": realm,
            "error": self.error,
            "error_description": self.description,
            "scope": format_scope(self.scopes),
        }
        return "Bearer " + ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items() if value)

    def body(self) -> dict[str, str]:
        """The same for those who read JSON."""
        return {
            name: value for name, value in (("error", self.error), ("error_description", self.description)) if value
        }


def _quoted(value: str) -> str:
    """As a quoted-string, RFC 9110 section 5.6.4."""
    return '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'


NO_CREDENTIALS: Final = Challenge(401)
"""RFC 6750 section 3.1: who did not try is not told of an error."""

INVALID_TOKEN: Final = Challenge(401, "invalid_token", "The access token is not valid here, or no longer.")
"""One wording for unknown, expired, revoked and meant for others, so that it tells nobody which."""


def invalid_request(description: str) -> Challenge:
    """RFC 6750 section 3.1: the credentials are malformed, or sent in two ways."""
    return Challenge(400, "invalid_request", description)


def insufficient_scope(scopes: Iterable[str]) -> Challenge:
    """RFC 6750 section 3.1: the token is good, and allows less than is needed."""
    return Challenge(403, "insufficient_scope", "The access token does not allow this.", frozenset(scopes))
