"""What a caller must hold, declared once as a value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_

from django_oauth_server.protocol.errors import InvalidScope
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.resource.challenge import INVALID_TOKEN, Challenge, insufficient_scope
from django_oauth_server.resource.token import VerifiedToken


class Requirement(ABC):
    """Answers one question: is this token enough, and if not, what is missing? Composes with `&`, `|` and `~`."""

    __slots__ = ()

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes that a client should ask for; of alternatives, those of the first."""
        return frozenset()

    @abstractmethod
    def judge(self, token: VerifiedToken) -> Challenge | None:
        """The challenge to answer with; None where *token* is enough."""

    def __and__(self, other: Requirement) -> Requirement:
        return Both(self, other) if isinstance(other, Requirement) else NotImplemented

    def __or__(self, other: Requirement) -> Requirement:
        return Either(self, other) if isinstance(other, Requirement) else NotImplemented

    def __invert__(self) -> Requirement:
        return Not(self)


@dataclass(frozen=True, slots=True)
class Scopes(Requirement):
    """The token carries each of these; none: any good token is enough."""

    needed: frozenset[str]

    @property
    def scopes(self) -> frozenset[str]:
        return self.needed

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if self.needed <= token.scopes else insufficient_scope(self.needed)


@dataclass(frozen=True, slots=True)
class Audience(Requirement):
    """The token is meant for this resource (RFC 8707), where a project serves several."""

    resource: str

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if self.resource in token.audience else INVALID_TOKEN


@dataclass(frozen=True, slots=True)
class Both(Requirement):
    """The first refusal counts, and asks for the scopes of the whole."""

    left: Requirement
    right: Requirement

    @property
    def scopes(self) -> frozenset[str]:
        return self.left.scopes | self.right.scopes

    def judge(self, token: VerifiedToken) -> Challenge | None:
        refusal = self.left.judge(token) or self.right.judge(token)
        return replace(refusal, scopes=self.scopes) if refusal and refusal.error == "insufficient_scope" else refusal


@dataclass(frozen=True, slots=True)
class Either(Requirement):
    """One is enough. A client is told of the first alternative: the one that the developer prefers."""

    left: Requirement
    right: Requirement

    @property
    def scopes(self) -> frozenset[str]:
        return self.left.scopes

    def judge(self, token: VerifiedToken) -> Challenge | None:
        refusal = self.left.judge(token)
        return refusal if refusal and self.right.judge(token) else None


@dataclass(frozen=True, slots=True)
class Not(Requirement):
    """The token is good, and not enough for *inner*. No scope helps a client that holds too much."""

    inner: Requirement

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None if self.inner.judge(token) else insufficient_scope(())


def requires(*demands: str | Requirement, audience: str | None = None) -> Requirement:
    """All of *demands*, of which a string is a scope; without any, a good token is enough.

    The audience is judged first: a token for another resource is not good here, whatever its scopes.
    """
    scopes = frozenset(_scope(demand) for demand in demands if not isinstance(demand, Requirement))
    others = [demand for demand in demands if isinstance(demand, Requirement)]
    conditions = [*([Audience(audience)] if audience else ()), *([Scopes(scopes)] if scopes else ()), *others]
    return reduce(and_, conditions) if conditions else Scopes(scopes)


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
