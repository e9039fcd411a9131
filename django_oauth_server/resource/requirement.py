"""What a caller must hold, declared once as a value. Enforcement, challenge, metadata, API schema and audit follow from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import reduce
from operator import and_
from typing import Final, Literal, TypedDict, Unpack

from django_oauth_server.protocol.errors import InvalidScope
from django_oauth_server.protocol.scopes import format_scope, parse_scope
from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.challenge import (
    BY_ACTOR,
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    NOT_BOUND,
    NOT_BY_ACTOR,
    Challenge,
    insufficient_user_authentication,
)
from django_oauth_server.resource.condition import Requirement
from django_oauth_server.resource.scopes import covered
from django_oauth_server.resource.token import VerifiedToken

__all__ = ["Requirement", "requires"]

_WORD: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
"""A value that a challenge quotes, one of several between spaces."""
_CALLERS: Final = ("person", "client")


@dataclass(frozen=True, slots=True)
class Scopes(Requirement):
    """The token carries each of these, or what covers it; none: any good token is enough."""

    needed: frozenset[str]

    def __post_init__(self) -> None:
        scopes = _each(self.needed, "scopes")
        for name in scopes:
            _check_scope(name)
        object.__setattr__(self, "needed", frozenset(scopes))

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

    def __post_init__(self) -> None:
        if not isinstance(self.identifier, str):
            raise TypeError(
                f"audience is the identifier of one resource, a string, not {_kind(self.identifier)}. "
                "Leave it out to accept a token for any resource of this project."
            )
        if not _WORD.fullmatch(self.identifier) or "#" in self.identifier:
            raise ValueError(
                f"audience {self.identifier!r} is no resource identifier, such as https://api.example/notes (RFC 8707 section 2). "
                "Leave it out to accept a token for any resource of this project."
            )

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

    def __post_init__(self) -> None:
        acr_values = _each(self.acr_values, "acr_values")
        _check_words(acr_values)
        object.__setattr__(self, "acr_values", acr_values)
        if self.max_age is None:
            if not acr_values:
                raise ValueError("it asks for no authentication. Name acr_values or a max_age.")
            return
        if not isinstance(self.max_age, timedelta):
            raise TypeError(f"max_age is a timedelta, such as timedelta(minutes=5), not {_kind(self.max_age)}.")
        if self.max_age < timedelta(seconds=1):
            raise ValueError("max_age is less than a second: no sign-in is that recent. Write a longer timedelta.")

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
        return ", ".join(filter(None, (acr, age)))


@dataclass(frozen=True, slots=True)
class Caller(Requirement):
    """Who acts: a person, by a client that they allowed; or a client for itself (RFC 6749 section 4.4)."""

    kind: Literal["person", "client"]

    def __post_init__(self) -> None:
        if self.kind not in _CALLERS:
            raise ValueError(f'caller is "person" or "client", not {self.kind!r}.')

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

    client_ids: Collection[str]

    def __post_init__(self) -> None:
        client_ids = _each(self.client_ids, "clients")
        if not client_ids:
            raise ValueError(
                "clients names no client. Name at least one client_id, or leave it out to let any client in."
            )
        for client_id in client_ids:
            _check_text(client_id, "clients")
        object.__setattr__(self, "client_ids", frozenset(client_ids))

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if token.client_id in self.client_ids else INSUFFICIENT_SCOPE

    def __str__(self) -> str:
        return f"by {' or '.join(sorted(self.client_ids))}"


@dataclass(frozen=True, slots=True)
class Actors(Requirement):
    """One of these acts for the subject (RFC 8693 section 4.1). Only who acts now counts, not who acted before."""

    actors: Collection[str]
    """As the token's own issuer names them: its clients, by their `client_id`."""

    def __post_init__(self) -> None:
        actors = _each(self.actors, "actor")
        if not actors:
            raise ValueError(
                "actor names nobody. Name at least one client_id. Write delegated=False to refuse tokens by which one client acts for another."
            )
        for name in actors:
            _check_text(name, "actor")
        object.__setattr__(self, "actors", frozenset(actors))

    def judge(self, token: VerifiedToken) -> Challenge | None:
        """Two issuers may call different things by one name, and a person may have the identifier that a client has."""
        actor = token.actor
        is_one = actor and actor.subject in self.actors and actor.issuer == token.issuer and not actor.is_person
        return None if is_one else NOT_BY_ACTOR

    def schema(self) -> Mapping[str, object]:
        return {"x-actor": sorted(self.actors)}

    def __str__(self) -> str:
        return f"{' or '.join(sorted(self.actors))} acting for another"


@dataclass(frozen=True, slots=True)
class Delegated(Requirement):
    """Somebody acts for the subject, whoever that is, or nobody does (RFC 8693 section 4.1)."""

    delegated: bool

    def __post_init__(self) -> None:
        if not isinstance(self.delegated, bool):
            raise TypeError(
                f"delegated is True or False, not {_kind(self.delegated)}. Leave it out to accept both kinds of tokens."
            )

    def judge(self, token: VerifiedToken) -> Challenge | None:
        if (token.actor is not None) == self.delegated:
            return None
        return NOT_BY_ACTOR if self.delegated else BY_ACTOR

    def schema(self) -> Mapping[str, object]:
        return {"x-delegated": self.delegated}

    def __str__(self) -> str:
        return "somebody acting for another" if self.delegated else "nobody acting for another"


@dataclass(frozen=True, slots=True)
class Bound(Requirement):
    """The token is bound to a key, and its holder has proven that they have it (RFC 7800). Whose proof is not good gets no further than that."""

    @property
    def bound(self) -> bool:
        return True

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if token.confirmation else NOT_BOUND

    def __str__(self) -> str:
        return "bound to a key"


class Demands(TypedDict, total=False):
    """What `requires` takes beside scopes and other requirements. Whatever is given demands something: nothing is left out by `None`."""

    audience: str
    """The resource (RFC 8707) that the token must be meant for."""
    acr_values: Collection[str]
    """Ways of signing in, of which one is enough, the preferred first (RFC 9470)."""
    max_age: timedelta
    """How long ago the person may have signed in (RFC 9470)."""
    caller: Literal["person", "client"]
    """Who acts: a person, or the client for itself."""
    clients: Collection[str]
    """The `client_id`s of the clients that may hold the token."""
    actor: Collection[str]
    """The `client_id`s of the clients of which one must act for another (RFC 8693)."""
    delegated: bool
    """Whether somebody must act for another, or nobody may (RFC 8693)."""
    bound: Literal[True]
    """The token must be bound to a key, of which its holder shows a proof."""


_DEMANDS: Final = tuple(Demands.__annotations__)


def requires(*demands: str | Requirement, **further: Unpack[Demands]) -> Requirement:
    """All of *demands*, of which a string is a scope, and of the rest; without any, a good token is enough.

    The audience is judged first: a token for another resource is not good here, whatever its scopes. Whom a new scope would help is told so
    before being asked to sign in again. A demand that is unknown, empty or impossible raises TypeError or ValueError.
    """
    _check_names(further)
    scopes = frozenset(_scope(demand) for demand in demands if not isinstance(demand, Requirement))
    others = [demand for demand in demands if isinstance(demand, Requirement)]
    conditions = [*_before(**further), *([Scopes(scopes)] if scopes else ()), *others, *_after(**further)]
    return reduce(and_, conditions) if conditions else Scopes(scopes)


def _check_names(further: Iterable[str]) -> None:
    for name in further:
        if name in {"scope", "scopes", "required_scopes"}:
            raise TypeError(
                f'{name} is no argument. Write each scope as one of its own: requires("notes:read", "notes:write").'
            )
        if name not in _DEMANDS:
            close = get_close_matches(name, _DEMANDS, n=1)
            meant = f"Did you mean {close[0]}?" if close else f"There are scopes, and {', '.join(_DEMANDS)}."
            raise TypeError(f"{name} is no argument. {meant}")


def _before(**further: Unpack[Demands]) -> Iterator[Requirement]:
    if "audience" in further:
        yield Audience(further["audience"])
    if "bound" in further:
        if further["bound"] is not True:
            raise TypeError("bound is True, or left out to take any token.")
        yield Bound()
    if "caller" in further:
        yield Caller(further["caller"])
    if "clients" in further:
        yield Clients(further["clients"])
    yield from _acting(**further)


def _acting(**further: Unpack[Demands]) -> Iterator[Requirement]:
    if "actor" in further and further.get("delegated") is False:
        raise ValueError("actor and delegated=False admit nobody. Leave one of them out.")
    if "delegated" in further:
        yield Delegated(further["delegated"])
    if "actor" in further:
        yield Actors(further["actor"])


def _after(**further: Unpack[Demands]) -> Iterator[Requirement]:
    """How and when a person signed in: of nothing that a client does for itself."""
    named = further.keys() & {"acr_values", "max_age"}
    if not named:
        return
    if further.get("caller") == "client":
        raise ValueError(
            f'caller="client" and {" and ".join(sorted(named))} admit nobody: a client that acts for itself has not signed in.'
        )
    acr_values = _each(further["acr_values"], "acr_values") if "acr_values" in further else ()
    if "acr_values" in further and not acr_values:
        raise ValueError("acr_values names no way of signing in. Name at least one, or leave it out.")
    if "max_age" in further and further["max_age"] is None:
        raise TypeError("max_age is a timedelta, such as timedelta(minutes=5). Leave it out to ask for none.")
    yield Authentication(acr_values, further.get("max_age"))


def scopes_of(requirements: Iterable[Requirement]) -> set[str]:
    """Every scope that means something to one of *requirements*, of whichever alternative."""
    return {scope for one in requirements for scopes in one.alternatives for scope in scopes}


def _each(values: Collection[str], name: str) -> tuple[str, ...]:
    """A lone string is a mistake: its letters would each be one."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is a list or tuple of strings, not {_kind(values)}.")
    return tuple(values)


def _check_words(acr_values: Iterable[str]) -> None:
    for value in acr_values:
        _check_text(value, "acr_values")
        if not _WORD.fullmatch(value):
            raise ValueError(f"acr_values has {value!r}; write each value as a string of its own, without spaces.")


def _check_text(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a list or tuple of strings; it has {_kind(value)}.")
    if not value.strip():
        raise ValueError(f"{name} has an empty string.")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.astimezone(UTC)


def _scope(demand: object) -> str:
    if not isinstance(demand, str):
        raise TypeError(_no_scope(demand))
    return demand


def _no_scope(demand: object) -> str:
    """What to write in place of *demand*."""
    wrong = f"a scope is a string, not {_kind(demand)}."
    if isinstance(demand, (list, tuple, set, frozenset)):
        return f'{wrong} Write each as an argument of its own: requires("notes:read", "notes:write").'
    if callable(demand):
        return f"{wrong} A decorator is called first: @protected_resource() asks for any good token."
    return f"{wrong} A demand is a scope, or a requirement."


def _check_scope(name: object) -> None:
    """One scope token (RFC 6749 section 3.3): a mistake shows where it was made."""
    try:
        found = parse_scope(_scope(name))
    except InvalidScope:
        found = ()
    if len(found) > 1:
        raise ValueError(
            f"{name!r} is not a scope token. Write each scope as a string of its own: {', '.join(map(repr, found))}."
        )
    if found != (name,):
        raise ValueError(f"{name!r} is not a scope token (RFC 6749 section 3.3).")


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
