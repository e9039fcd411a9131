"""Who acts for the subject of a token (RFC 8693 section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django_oauth_server.protocol.delegation import ACT, is_person

MOST_ACTORS: Final = 32
"""Who acts now, and those before. No issuer passes a token on that often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A service, or a person, to whom the subject's token was passed on."""

    subject: str
    """Its `sub`; of a client of this server, its `client_id`. Empty where the token does not say it."""
    issuer: str
    """Whose identifier that is: the issuer of the token, unless `act` names another."""
    is_person: bool = False
    before: Actor | None = None
    """Who acted before. For the record only: no decision depends on it (RFC 8693 section 4.1)."""

    def __str__(self) -> str:
        return " for ".join(one.subject or "somebody" for one in self.chain())

    def chain(self) -> Iterator[Actor]:
        """This actor, and those before, the latest first."""
        one: Actor | None = self
        while one:
            yield one
            one = one.before


def actor_of(claim: object, issuer: str) -> Actor:
    """What *claim*, the value of `act` in a token of *issuer*, says. Raises ValueError where it is malformed."""
    actor: Actor | None = None
    for said in reversed(list(_nested(claim))):
        actor = Actor(
            subject=_text(said, "sub", ""),
            issuer=_text(said, "iss", issuer),
            is_person=is_person(said, unless_said=False),
            before=actor,
        )
    assert actor is not None  # the first one is there, or it is malformed
    return actor


def _nested(claim: object) -> Iterator[Mapping[str, object]]:
    """The latest first."""
    for _ in range(MOST_ACTORS):
        if not isinstance(claim, dict) or not claim:
            raise ValueError("the claim act is no object, or an empty one")
        yield claim
        if ACT not in claim:
            return
        claim = claim[ACT]
    raise ValueError("the claim act names too many actors")


def _text(said: Mapping[str, object], name: str, default: str) -> str:
    value = said.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"the claim act has a member {name} that is not a string")
    return value
