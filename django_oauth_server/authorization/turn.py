"""What a person has done for a request already, when they come back to it from another page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core import signing
from django.utils.crypto import salted_hmac

from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.parameters import Parameters

PARAMETER: Final = "turn"
_SALT: Final = "oauth_server.turn"


@dataclass(frozen=True, slots=True)
class Turn:
    """Signed and bound to the request, so that neither a client nor a person can say it of another."""

    asked_at: datetime | None = None
    """Since when a sign-in counts as fresh: when the person was last sent to prove who they are. None: they were not sent."""
    done: frozenset[str] = frozenset()
    """The prompts that were answered."""
    allowed: frozenset[str] | None = None
    """The scopes that the person allowed. None: they have not answered."""
    shown: str = ""
    """What the person was shown of the client and of the claims: nothing is allowed where it has changed since."""
    by: str = ""
    """Who answered: for anybody else nothing is done. Empty: nobody was signed in."""
    taken_up: bool = False
    """A request object brought the parameters when the person came. It is not read again: its time may be over once somebody has signed in."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What was settled, such as for which team, by the name of the fact."""

    def having(self, *done: str, by: AbstractBaseUser | AnonymousUser) -> Turn:
        """The same, with *done* answered as well. What a stranger adds does not make what somebody has answered a stranger's."""
        return replace(self, done=self.done.union(done), by=_name(by) or self.by)

    def settling(self, facts: Mapping[str, object], *, by: AbstractBaseUser | AnonymousUser) -> Turn:
        """The same, with *facts* settled as well. What was allowed before was allowed for others."""
        return replace(self, facts={**self.facts, **facts}, allowed=None, by=_name(by) or self.by)

    def showing(self, shown: str) -> Turn:
        """The same, when the person is asked to allow it."""
        return replace(self, allowed=None, shown=shown)

    def allowing(self, scopes: Iterable[str], *, by: AbstractBaseUser) -> Turn:
        """The same, with what the person has allowed."""
        return replace(self, allowed=frozenset(scopes), by=_name(by))

    def begun_anew(self) -> Turn:
        """Nothing asked and nothing answered, of the same request."""
        return Turn(taken_up=self.taken_up)

    def counting_for(self, user: AbstractBaseUser | AnonymousUser) -> Turn:
        """The same, without what somebody else has answered."""
        return self if not self.by or self.by == _name(user) else replace(self.begun_anew(), asked_at=self.asked_at)

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "at": self.asked_at.timestamp() if self.asked_at else None,
            "done": sorted(self.done),
            "allowed": None if self.allowed is None else sorted(self.allowed),
            "shown": self.shown,
            "by": self.by,
            "taken_up": self.taken_up,
            **({"facts": self.facts} if self.facts else {}),
        }

    def seal(self, params: Parameters, issuer: Issuer) -> str:
        """As a value of the parameter `turn`."""
        return signing.dumps({"of": _mark(params, issuer), **self.document()}, salt=_SALT)


NOTHING_DONE: Final = Turn()


def read_turn(value: str, params: Parameters, issuer: Issuer) -> Turn:
    """What *value* says of the request of *params*; nothing, where it is not ours, another request's or too old."""
    if not value:
        return NOTHING_DONE
    try:
        said: Mapping[str, object] = signing.loads(value, salt=_SALT, max_age=issuer.settings.interaction_lifetime)
    except signing.BadSignature:
        return NOTHING_DONE
    return turn_of(said) if said["of"] == _mark(params, issuer) else NOTHING_DONE


def turn_of(document: Mapping[str, object]) -> Turn:
    """What a `Turn.document` says, which was kept where nobody else writes."""
    asked_at, allowed, facts = document.get("at"), document.get("allowed"), document.get("facts")
    return Turn(
        datetime.fromtimestamp(asked_at, UTC) if isinstance(asked_at, int | float) else None,
        _names(document.get("done")),
        None if allowed is None else _names(allowed),
        str(document.get("shown", "")),
        str(document.get("by", "")),
        document.get("taken_up") is True,
        facts if isinstance(facts, dict) else {},
    )


def _names(said: object) -> frozenset[str]:
    return frozenset(map(str, said)) if isinstance(said, list) else frozenset()


def _name(user: AbstractBaseUser | AnonymousUser) -> str:
    """The address passes other pages, which are not told the primary key."""
    return "" if user.pk is None else salted_hmac(_SALT, str(user.pk), algorithm="sha256").hexdigest()[:32]


def _mark(params: Parameters, issuer: Issuer) -> str:
    """Of one issuer: another may have a client of the same name, with other keys."""
    return digest(f"{issuer.settings.issuer}?{params.encode()}")
