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
_SCHEME: Final = re.compile("[^:/]*://")
"""What an address begins with says less than a segment: `spiffe://example.org/` is everybody there."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a claim begins with: whole segments, each of which ends with a colon or a slash.

    `repo:octo-org/octo` would match `repo:octo-org/octo-evil` as well, which anybody may create.
    """

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or not self.value.endswith(tuple(_SEPARATORS)):
            raise ValueError(f"the prefix {self.value!r} must end where a segment ends: with a colon or a slash.")
        if "*" in self.value:
            raise ValueError(f"the prefix {self.value!r} has a wildcard, which is not supported.")

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
    single_use: bool = True
    """Whether each `jti` is accepted once, and a token without one is refused. False: for a platform that writes a token into a file and replaces
    it once an hour, as Kubernetes does."""

    def __post_init__(self) -> None:
        if not isinstance(self.client_id, str) or not self.client_id:
            raise ValueError("a workload needs the client_id of a client.")
        if not isinstance(self.subject, str | Prefix) or not self.subject:
            raise ValueError(f"the workload {self.client_id}: subject must be a string or a Prefix.")
        if isinstance(self.subject, Prefix):
            self._check_prefix(self.subject.value)
        elif "*" in self.subject:
            raise ValueError(f"the workload {self.client_id}: subject has no wildcards; use a Prefix.")
        if not isinstance(self.single_use, bool):
            raise ValueError(f"the workload {self.client_id}: single_use must be True or False.")
        _check(self.client_id, self.claims)
        if "sub" in self.claims:
            raise ValueError(f"the workload {self.client_id}: claims cannot have 'sub': it is the subject.")

    def _check_prefix(self, value: str) -> None:
        """Raises ValueError where everybody on the platform would match."""
        segments = [one for one in re.split(f"[{_SEPARATORS}]", _SCHEME.sub("", value, count=1)) if one]
        if len(segments) < _LEAST_SEGMENTS or value in _OF_EVERYBODY:
            raise ValueError(
                f"the workload {self.client_id}: everybody on the platform has a subject that begins with {value!r}."
            )

    def __str__(self) -> str:
        return ", ".join(_in_words(self._expected))

    def unmet(self, claims: Mapping[str, object]) -> list[str]:
        """Which claims a token that says *claims* lacks, or has otherwise. None: it is this workload's."""
        return [name for name, expected in self._expected.items() if not _matches(expected, claims.get(name))]

    @property
    def _expected(self) -> Mapping[str, Expected]:
        return {"sub": self.subject, **self.claims}

    def may_match_with(self, other: Workload) -> bool:
        """Whether one token could be this workload's and the *other*'s."""
        return _may_both(self._expected, other._expected)


def check_apart(workloads: Iterable[Workload]) -> None:
    """Raises ValueError where one token could authenticate two clients, or could be both for one use and for several."""
    for one, other in combinations(workloads, 2):
        if (one.client_id, one.single_use) != (other.client_id, other.single_use) and one.may_match_with(other):
            how = "" if one.client_id != other.client_id else ", which differ in single_use"
            raise ValueError(
                f"a token could be of the workload {one.client_id} and of {other.client_id}{how}: tell them apart by "
                "subject, or by a claim that both name."
            )


def _check(client_id: str, claims: object) -> None:
    if not isinstance(claims, Mapping):
        raise ValueError(f"the workload {client_id}: claims must be a dict.")
    for name, expected in claims.items():
        if not isinstance(name, str):
            raise ValueError(f"the workload {client_id}: claims cannot have {name!r}.")
        if isinstance(expected, Mapping) and expected:
            _check(client_id, expected)
        elif isinstance(expected, str) and "*" in expected:
            raise ValueError(f"the workload {client_id}: the claim {name} has no wildcards; use a Prefix.")
        elif not isinstance(expected, str | int | Prefix) or expected == "":
            raise ValueError(f"the workload {client_id}: the claim {name} must be a string, a number or a Prefix.")


def _in_words(expected: Mapping[str, Expected]) -> Iterator[str]:
    for name, one in expected.items():
        if isinstance(one, Mapping):
            yield from (f"{name}.{said}" for said in _in_words(one))
        else:
            yield f"{name}={one}"


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
