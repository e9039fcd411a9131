"""What a condition is, and how conditions compose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

from django_oauth_server.resource.challenge import INSUFFICIENT_SCOPE, Challenge
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

    @property
    def bound(self) -> bool:
        """Whether nothing but a token that is bound to a key will do."""
        return False

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
        return self.completed(replace(missing, scheme=token.scheme)) if missing else None

    def completed(self, challenge: Challenge) -> Challenge:
        """*challenge*, with all that the operation needs, so that the person is asked once. A bad request or an outage is not about that."""
        if challenge.status not in {401, 403}:
            return challenge
        return replace(challenge, scopes=self.scopes, resource=self.resource, bound=self.bound)

    def __and__(self, other: Requirement) -> Requirement:
        return Both(self, other) if isinstance(other, Requirement) else NotImplemented

    def __or__(self, other: Requirement) -> Requirement:
        return Either(self, other) if isinstance(other, Requirement) else NotImplemented

    def __invert__(self) -> Requirement:
        return Not(self)


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

    @property
    def bound(self) -> bool:
        return self.left.bound or self.right.bound

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

    @property
    def bound(self) -> bool:
        return self.left.bound and self.right.bound

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


def joined(left: Mapping[str, object], right: Mapping[str, object]) -> dict[str, object]:
    """The members of both. Lists are joined, each value once; of other values the left one's stays."""
    both = {**right, **left}
    for name in left.keys() & right.keys():
        mine, other = left[name], right[name]
        if isinstance(mine, list) and isinstance(other, list):
            both[name] = [*mine, *(value for value in other if value not in mine)]
    return both
