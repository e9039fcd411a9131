"""Which clients are workloads of a platform, which vouches for each by a JWT of its own (RFC 7523 section 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, TypeAlias

_SEPARATORS: Final = ":/"
_LEAST_SEGMENTS: Final = 2
_OF_EVERYBODY: Final = ("system:serviceaccount:",)
"""What the subjects of a whole platform begin with, longer than one segment."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a claim begins with: whole segments, each of which ends with a colon or a slash.

    `repo:octo-org/octo` would match `repo:octo-org/octo-evil` as well, which anybody may create.
    """

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or not self.value.endswith(tuple(_SEPARATORS)):
            raise ValueError(f"the prefix {self.value!r} must end where a segment ends: with a colon or a slash.")

    def __str__(self) -> str:
        return f"{self.value}…"

    def matches(self, said: object) -> bool:
        return isinstance(said, str) and said.startswith(self.value) and said != self.value


Expected: TypeAlias = "str | int | bool | Prefix | Mapping[str, Expected]"
"""What a claim has to say: exactly that, something that begins so, or an object of which members are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload of a platform that is a client here: the tokens that the platform issues to it, told by their `sub` and further claims."""

    client_id: str
    """The client that the workload is. Register it with the authentication method `federated_jwt`."""
    subject: str | Prefix
    """The `sub` of its tokens: exactly, or `Prefix("repo:octo-org/octo-repo:")`."""
    claims: Mapping[str, Expected] = field(default_factory=dict)
    """Further claims that the token must have: a string, a number or a Boolean exactly, a `Prefix`, or a dict of members of an object."""
    reusable: bool = False
    """Whether a token may be presented more than once, as the token in a file is that a platform replaces once an hour. Otherwise each `jti` is
    accepted once, and a token without one is refused."""

    def __post_init__(self) -> None:
        if not isinstance(self.client_id, str) or not self.client_id:
            raise ValueError("a workload needs the client_id of a client.")
        if not isinstance(self.subject, str | Prefix) or not self.subject:
            raise ValueError(f"the workload {self.client_id}: subject must be a string or a Prefix.")
        if isinstance(self.subject, Prefix):
            self._check_prefix(self.subject.value)
        elif "*" in self.subject:
            raise ValueError(f"the workload {self.client_id}: subject has no wildcards; use a Prefix.")
        if not isinstance(self.reusable, bool):
            raise ValueError(f"the workload {self.client_id}: reusable must be True or False.")
        _check(self.client_id, self.claims)

    def _check_prefix(self, value: str) -> None:
        """Raises ValueError where everybody on the platform would match."""
        segments = [one for one in re.split(f"[{_SEPARATORS}]", value) if one]
        if len(segments) < _LEAST_SEGMENTS or value in _OF_EVERYBODY:
            raise ValueError(
                f"the workload {self.client_id}: everybody on the platform has a subject that begins with {value!r}."
            )

    def matches(self, claims: Mapping[str, object]) -> bool:
        """Whether a token that says *claims* is this workload's."""
        return _matches(self._expected, claims)

    @property
    def _expected(self) -> Mapping[str, Expected]:
        return {**self.claims, "sub": self.subject}

    def may_match_with(self, other: Workload) -> bool:
        """Whether one token could be this workload's and the *other*'s."""
        return _may_both(self._expected, other._expected)


def check_apart(workloads: Iterable[Workload]) -> None:
    """Raises ValueError where one token could authenticate two clients."""
    for one, other in combinations(workloads, 2):
        if one.client_id != other.client_id and one.may_match_with(other):
            raise ValueError(
                f"a token could be of the workload {one.client_id} and of {other.client_id}: tell them apart by "
                "subject, or by a claim that both name."
            )


def _check(client_id: str, claims: object) -> None:
    if not isinstance(claims, Mapping):
        raise ValueError(f"the workload {client_id}: claims must be a dict.")
    for name, expected in claims.items():
        if not isinstance(name, str) or name == "sub":
            raise ValueError(f"the workload {client_id}: claims cannot have {name!r}.")
        if isinstance(expected, Mapping):
            _check(client_id, expected)
        elif not isinstance(expected, str | int | Prefix) or expected == "":
            raise ValueError(f"the workload {client_id}: the claim {name} must be a string, a number or a Prefix.")


def _matches(expected: Expected, said: object) -> bool:
    if isinstance(expected, Prefix):
        return expected.matches(said)
    if isinstance(expected, Mapping):
        return isinstance(said, Mapping) and all(_matches(one, said.get(name)) for name, one in expected.items())
    return type(said) is type(expected) and said == expected


def _may_both(one: Expected, other: Expected) -> bool:
    """Whether one value could be what both expect."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(_may_both(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, Prefix) and isinstance(other, Prefix):
        return one.value.startswith(other.value) or other.value.startswith(one.value)
    if isinstance(other, Prefix):
        return other.matches(one)
    return _matches(one, other)


def clients_of(workloads: Iterable[Workload]) -> Iterator[str]:
    """The clients that *workloads* are, each once."""
    yield from dict.fromkeys(one.client_id for one in workloads)
