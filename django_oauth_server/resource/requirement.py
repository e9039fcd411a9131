"""What a caller must hold, declared once as a value. Enforcement, challenge, metadata, API schema and audit follow from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import product
from operator import and_
from typing import Literal, TypedDict, Unpack

from django_oauth_server.protocol.errors import InvalidScope
from django_oauth_server.protocol.scopes import format_scope, parse_scope
from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.challenge import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    Challenge,
    insufficient_user_authentication,
)
from django_oauth_server.resource.scopes import covered, fewest
from django_oauth_server.resource.token import VerifiedToken


class Requirement(ABC):
    """Answers one question: is this token enough, and if not, what is missing? Composes with `&`, `|` and `~`.

    A condition of another kind is a frozen dataclass that derives from it, says `judge` and `__str__`, and of the rest what there is to say.
    """

    __slots__ = ()

    @property
    def alternatives(self) -> tuple[frozenset[str], ...]:
        """The sets of scopes of which one is needed, the preferred first."""
        return (frozenset(),)

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes that a client should ask for."""
        return self.alternatives[0]

    @property
    def resource(self) -> str:
        """The resource (RFC 8707) that it names; empty: the project's."""
        return ""

    def metadata(self) -> Mapping[str, object]:
        """The members that it adds to the protected resource's metadata (RFC 9728 section 2); lists are joined."""
        return {}

    def schema(self) -> Mapping[str, object]:
        """The members that it adds to an operation of an API schema (OpenAPI's Operation Object)."""
        return {}

    @abstractmethod
    def judge(self, token: VerifiedToken) -> Challenge | None:
        """What is missing; None where *token* is enough. The scopes of the challenge are left to `refusal`."""

    @abstractmethod
    def __str__(self) -> str:
        """What it demands, on one line, for the person who audits."""

    def refusal(self, token: VerifiedToken) -> Challenge | None:
        """The challenge to answer with; None where *token* is enough."""
        missing = self.judge(token)
        return self.completed(missing) if missing else None

    def completed(self, challenge: Challenge) -> Challenge:
        """*challenge*, with all that the operation needs, so that the person is asked once. A bad request or an outage is not about that."""
        if challenge.status not in {401, 403}:
            return challenge
        return replace(challenge, scopes=fewest(self.scopes), resource=self.resource)

    def __and__(self, other: Requirement) -> Requirement:
        return Both(self, other) if isinstance(other, Requirement) else NotImplemented

    def __or__(self, other: Requirement) -> Requirement:
        return Either(self, other) if isinstance(other, Requirement) else NotImplemented

    def __invert__(self) -> Requirement:
        return Not(self)


@dataclass(frozen=True, slots=True)
class Scopes(Requirement):
    """The token carries each of these, or what covers it; none: any good token is enough."""

    needed: frozenset[str]

    @property
    def alternatives(self) -> tuple[frozenset[str], ...]:
        return (self.needed,)

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if covered(self.needed, token.scopes) else INSUFFICIENT_SCOPE

    def __str__(self) -> str:
        return format_scope(self.needed) or "any good token"


@dataclass(frozen=True, slots=True)
class Audience(Requirement):
    """The token is meant for this resource (RFC 8707), where a project serves several."""

    identifier: str

    @property
    def resource(self) -> str:
        return self.identifier

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if names_one_of(token.audience, (self.identifier,)) else INVALID_TOKEN

    def __str__(self) -> str:
        return f"for {self.identifier}"


@dataclass(frozen=True, slots=True)
class Authentication(Requirement):
    """The person signed in in one of these ways, and not longer ago than that (RFC 9470)."""

    acr_values: tuple[str, ...] = ()
    max_age: timedelta | None = None

    def judge(self, token: VerifiedToken) -> Challenge | None:
        if self._strong(token) and self._recent(token):
            return None
        return insufficient_user_authentication(self.acr_values, self.max_age)

    def _strong(self, token: VerifiedToken) -> bool:
        return not self.acr_values or token.acr in self.acr_values

    def _recent(self, token: VerifiedToken) -> bool:
        """A token that does not say when is not recent."""
        if self.max_age is None:
            return True
        return token.auth_time is not None and datetime.now(UTC) - _aware(token.auth_time) <= self.max_age

    def schema(self) -> Mapping[str, object]:
        """OpenAPI has no member for it; these are named as RFC 9470's parameters are."""
        acr = {"x-acr-values": list(self.acr_values)} if self.acr_values else {}
        return acr | ({} if self.max_age is None else {"x-max-age": int(self.max_age.total_seconds())})

    def __str__(self) -> str:
        acr = f"acr {' or '.join(self.acr_values)}" if self.acr_values else ""
        age = f"signed in within {self.max_age}" if self.max_age is not None else ""
        return ", ".join(filter(None, (acr, age))) or "any authentication"


@dataclass(frozen=True, slots=True)
class Caller(Requirement):
    """Who acts: a person, by a client that they allowed; or a client for itself (RFC 6749 section 4.4)."""

    kind: Literal["person", "client"]

    def judge(self, token: VerifiedToken) -> Challenge | None:
        is_person = token.subject is not None
        if is_person == (self.kind == "person"):
            return None
        return replace(INSUFFICIENT_SCOPE, description=f"This needs an access token of {self}.")  # no scope would help

    def __str__(self) -> str:
        return "a person" if self.kind == "person" else "the client itself"


@dataclass(frozen=True, slots=True)
class Clients(Requirement):
    """One of these clients holds it."""

    client_ids: frozenset[str]

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if token.client_id in self.client_ids else INSUFFICIENT_SCOPE

    def __str__(self) -> str:
        return f"by {' or '.join(sorted(self.client_ids))}"


@dataclass(frozen=True, slots=True)
class Both(Requirement):
    """The first refusal counts."""

    left: Requirement
    right: Requirement

    @property
    def alternatives(self) -> tuple[frozenset[str], ...]:
        return tuple(left | right for left, right in product(self.left.alternatives, self.right.alternatives))

    @property
    def resource(self) -> str:
        return self.left.resource or self.right.resource

    def metadata(self) -> Mapping[str, object]:
        return joined(self.left.metadata(), self.right.metadata())

    def schema(self) -> Mapping[str, object]:
        return joined(self.left.schema(), self.right.schema())

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return self.left.judge(token) or self.right.judge(token)

    def __str__(self) -> str:
        return " & ".join(f"({side})" if isinstance(side, Either) else str(side) for side in (self.left, self.right))


@dataclass(frozen=True, slots=True)
class Either(Requirement):
    """One is enough. A client is told of the first alternative: the one that the developer prefers."""

    left: Requirement
    right: Requirement

    @property
    def alternatives(self) -> tuple[frozenset[str], ...]:
        return (*self.left.alternatives, *self.right.alternatives)

    @property
    def resource(self) -> str:
        return self.left.resource

    def metadata(self) -> Mapping[str, object]:
        return joined(self.left.metadata(), self.right.metadata())

    def schema(self) -> Mapping[str, object]:
        return self.left.schema()

    def judge(self, token: VerifiedToken) -> Challenge | None:
        missing = self.left.judge(token)
        return missing if missing and self.right.judge(token) else None

    def __str__(self) -> str:
        return f"{self.left} | {self.right}"


@dataclass(frozen=True, slots=True)
class Not(Requirement):
    """The token is good, and not enough for *inner*. No scope helps a client that holds too much."""

    inner: Requirement

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if self.inner.judge(token) else INSUFFICIENT_SCOPE

    def __str__(self) -> str:
        return f"~({self.inner})" if isinstance(self.inner, (Both, Either)) else f"~{self.inner}"


class Demands(TypedDict, total=False):
    """What `requires` takes beside scopes and other requirements."""

    audience: str | None
    """The resource (RFC 8707) that the token must be meant for."""
    acr_values: Collection[str]
    """Ways of signing in, of which one is enough, the preferred first (RFC 9470)."""
    max_age: timedelta | None
    """How long ago the person may have signed in (RFC 9470)."""
    caller: Literal["person", "client"] | None
    """Who acts: a person, or the client for itself."""
    clients: Collection[str]
    """The `client_id`s of the clients that may act."""


def requires(*demands: str | Requirement, **further: Unpack[Demands]) -> Requirement:
    """All of *demands*, of which a string is a scope, and of the rest; without any, a good token is enough.

    The audience is judged first: a token for another resource is not good here, whatever its scopes. Whom a new scope would help is told so
    before being asked to sign in again.
    """
    scopes = frozenset(_scope(demand) for demand in demands if not isinstance(demand, Requirement))
    others = [demand for demand in demands if isinstance(demand, Requirement)]
    conditions = [*_before(**further), *([Scopes(scopes)] if scopes else ()), *others, *_after(**further)]
    return reduce(and_, conditions) if conditions else Scopes(scopes)


def _before(**further: Unpack[Demands]) -> Iterator[Requirement]:
    if audience := further.get("audience"):
        yield Audience(audience)
    if caller := further.get("caller"):
        yield Caller(caller)
    if clients := further.get("clients"):
        yield Clients(frozenset(_several(clients, "clients")))


def _after(**further: Unpack[Demands]) -> Iterator[Requirement]:
    acr_values, max_age = _several(further.get("acr_values", ()), "acr_values"), further.get("max_age")
    if acr_values or max_age is not None:
        yield Authentication(acr_values, max_age)


def scopes_of(requirements: Iterable[Requirement]) -> set[str]:
    """Every scope that means something to one of *requirements*, of whichever alternative."""
    return {scope for one in requirements for scopes in one.alternatives for scope in scopes}


def joined(left: Mapping[str, object], right: Mapping[str, object]) -> dict[str, object]:
    """The members of both. Lists are joined, each value once; of other values the left one's stays."""
    both = {**right, **left}
    for name in left.keys() & right.keys():
        mine, other = left[name], right[name]
        if isinstance(mine, list) and isinstance(other, list):
            both[name] = [*mine, *(value for value in other if value not in mine)]
    return both


def _several(values: Collection[str], name: str) -> tuple[str, ...]:
    """A lone string is a mistake: its letters would each be one."""
    if isinstance(values, str):
        raise TypeError(f"{name} is a list or tuple of strings")
    return tuple(values)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.astimezone(UTC)


def _scope(name: object) -> str:
    """*name*, if it is one scope token (RFC 6749 section 3.3): a mistake shows where it was made."""
    if not isinstance(name, str):
        raise TypeError(f"a scope is a string, not {type(name).__name__}")
    try:
        valid = parse_scope(name) == (name,)
    except InvalidScope:
        valid = False
    if not valid:
        raise ValueError(f"{name!r} is not a scope token (RFC 6749 section 3.3)")
    return name
