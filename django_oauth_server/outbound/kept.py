"""What addresses that clients named have answered: kept for as long as it may be, and asked anew no more often than it must.

Each is asked once, however many wait. While one caller waits for its answer, what it said last serves the others, and for a while after that where
it does not answer at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

from django_oauth_server.outbound.errands import Crowded, Errand, is_silent, is_under_way, run
from django_oauth_server.outbound.memory import remembered
from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.verifiers.http import Unreachable

T = TypeVar("T")

logger = get_log(__name__)


class Refused(Unreachable):
    """The address answered, and what it says is of no use. Nothing that it said before counts any more."""

    def __init__(self, told: str, reason: str = "") -> None:
        super().__init__(reason or told)
        self.told = told
        """What whoever owns the address may be told; the *reason* is for the log."""

    def again(self) -> Refused:
        """The same, of which nothing is kept but the words."""
        return Refused(self.told, str(self))


@dataclass(frozen=True, slots=True)
class Bounds:
    """For how many seconds what an address answered is kept, whatever its headers say."""

    usual: float
    """Where they say nothing."""
    longest: float
    stale: float
    """For how much longer it serves while the address does not answer."""
    pause: float
    """In which an address is not asked twice: not for what is unknown, not where it fails, not where it says `no-store`."""

    def kept_for(self, max_age: int | None) -> float:
        return self.usual if max_age is None else min(max(max_age, self.pause), self.longest)


class Answer(NamedTuple, Generic[T]):
    """What an address answered."""

    value: T
    max_age: int | None
    """As `Fetched.max_age`."""


class _Kept(NamedTuple, Generic[T]):
    value: T
    fresh_until: float


class Address(Generic[T]):
    """One address. *fetch* asks it, and raises `Unreachable` where there is no answer, `Refused` where there is one of no use."""

    def __init__(self, key: str, fetch: Callable[[], Answer[T]], bounds: Bounds, patience: float) -> None:
        self._key = key
        self._fetch = fetch
        self._bounds = bounds
        self._patience = patience
        self._kept: _Kept[T] | None = None
        self._refused: Refused | None = None
        self._is_silent = False
        self._answered_at = -math.inf

    @property
    def is_new(self) -> bool:
        """Whether the next caller has it fetched: nothing is kept, no fetch is under way, and the last one is not within the pause."""
        return not (self._kept or is_under_way(self._key) or monotonic() - self._answered_at < self._bounds.pause)

    @property
    def has_answered(self) -> bool:
        """Whether anything that it said is kept."""
        return self._kept is not None

    @property
    def kept(self) -> T | None:
        """What it last said, be it too old to be served."""
        return self._kept.value if self._kept else None

    @property
    def failure(self) -> str:
        """Why the last fetch failed, in words for whoever owns the address; empty where it did not."""
        if refused := self._refused:
            return refused.told
        return "its server does not answer" if self._is_silent else ""

    def current(self, asker: str) -> T:
        """What it says, asked at the expense of *asker*. Raises `Refused`, `Crowded` where it is not waited for, and `Unreachable`."""
        kept = self._kept
        if kept and monotonic() < kept.fresh_until:
            return kept.value
        last = self._last()
        if last and is_under_way(self._key):
            return last.value
        try:
            return self._ask(asker)
        except Crowded:
            if last:
                return last.value
            raise

    def newer_than(self, value: T, asker: str) -> T:
        """What it says, asked anew unless it has said something else than *value* meanwhile, or was asked just now."""
        kept = self._kept
        return kept.value if kept and kept.value is not value else self._ask(asker)

    def _last(self) -> _Kept[T] | None:
        kept = self._kept
        return kept if kept and monotonic() < kept.fresh_until + self._bounds.stale else None

    def _ask(self, asker: str) -> T:
        """Not within the pause."""
        if monotonic() - self._answered_at >= self._bounds.pause:
            try:
                run(Errand(self._key, asker, self._refresh), self._patience)
            except Crowded:
                raise
            except Unreachable as exc:
                logger.warning("An address that a client named cannot be fetched (%s): %s", self._key, exc)
        if last := self._last():
            return last.value
        if refused := self._refused:
            raise refused.again()
        raise (Crowded if is_silent(self._key) else Unreachable)("no recent answer")

    def _refresh(self) -> None:
        now = monotonic()
        try:
            value, max_age = self._fetch()
        except Refused as exc:
            self._kept, self._refused = None, exc.again()
            raise
        except Unreachable:
            self._is_silent = True
            raise
        else:
            self._kept = _Kept(value, now + self._bounds.kept_for(max_age))
            self._refused, self._is_silent = None, False
        finally:
            # Not when it was asked: who comes after a slow answer would ask again, one after the other.
            self._answered_at = monotonic()


class _Places(Generic[T]):
    """The addresses that were asked last. Anybody can think up addresses, so those that have not answered take no place from those that have."""

    def __init__(self, most: int) -> None:
        self._lock = Lock()
        self._answered: LRUCache[Hashable, Address[T]] = LRUCache(most)
        self._others: LRUCache[Hashable, Address[T]] = LRUCache(most)

    def at(self, name: Hashable, make: Callable[[], Address[T]]) -> Address[T]:
        with self._lock:
            found = self._answered.get(name) or self._others.pop(name, None) or make()
            (self._answered if found.has_answered else self._others)[name] = found
            return found

    def known(self, name: Hashable) -> Address[T] | None:
        with self._lock:
            return self._answered.get(name) or self._others.get(name)


class Addresses(Generic[T]):
    """Those of one kind, of which each process remembers *most*."""

    def __init__(self, most: int) -> None:
        self._places: Final = remembered(lambda: _Places[T](most))

    def at(self, name: Hashable, make: Callable[[], Address[T]]) -> Address[T]:
        """The one of this *name*, which is made where it is not remembered."""
        return self._places.get().at(name, make)

    def known(self, name: Hashable) -> Address[T] | None:
        """The one of this *name*, if it is remembered."""
        return self._places.get().known(name)
