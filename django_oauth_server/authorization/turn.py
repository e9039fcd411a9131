"""What a person has done for a request already, when they come back to it from another page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from django.core import signing

from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.parameters import Parameters

PARAMETER: Final = "turn"
_SALT: Final = "oauth_server.turn"


@dataclass(frozen=True, slots=True)
class Turn:
    """Signed and bound to the request, so that neither a client nor a person can say it of another."""

    asked_at: datetime | None = None
    """Since when a sign-in counts as fresh: when the person was sent to prove who they are. None: they were not sent."""
    done: frozenset[str] = frozenset()
    """The prompts that were answered."""
    signed: bool = False
    """The parameters are of a request object whose signature was good. It is not read again: its time may be over once somebody has signed in."""

    def having(self, *done: str) -> Turn:
        """The same, with *done* answered as well."""
        return replace(self, done=self.done.union(done))

    def begun_anew(self) -> Turn:
        """Nothing asked and nothing answered, of the same request."""
        return Turn(signed=self.signed)

    def seal(self, params: Parameters, issuer: Issuer) -> str:
        """As a value of the parameter `turn`."""
        asked_at = self.asked_at.timestamp() if self.asked_at else None
        said = {"of": _mark(params, issuer), "at": asked_at, "done": sorted(self.done), "signed": self.signed}
        return signing.dumps(said, salt=_SALT)


NOTHING_DONE: Final = Turn()


def read_turn(value: str, params: Parameters, issuer: Issuer) -> Turn:
    """What *value* says of the request of *params*; nothing, where it is not ours, another request's or too old."""
    try:
        said: Mapping[str, object] = signing.loads(value, salt=_SALT, max_age=issuer.settings.interaction_lifetime)
    except signing.BadSignature:
        return NOTHING_DONE
    if said["of"] != _mark(params, issuer):
        return NOTHING_DONE
    asked_at, done = said["at"], said["done"]
    return Turn(
        datetime.fromtimestamp(asked_at, UTC) if isinstance(asked_at, float) else None,
        frozenset(map(str, done)) if isinstance(done, list) else frozenset(),
        said.get("signed") is True,
    )


def _mark(params: Parameters, issuer: Issuer) -> str:
    """Of one issuer: another may have a client of the same name, with other keys."""
    return digest(f"{issuer.settings.issuer}?{params.encode()}")
