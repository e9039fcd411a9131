"""How often something failed of late: counted in the cache, where all processes see it. What succeeds is not counted, and asks nothing.

Each process counts for itself as well, as a cache may be away without a word, or keep nothing: guesses stay bounded then, by the limit times the
number of processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from cachetools import LRUCache
from django.core.cache import BaseCache

from django_oauth_server.conf.rates import Rate
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.resource.throttling import key_of

_MOST: Final = 10_000
"""How many counts a process keeps."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How often may fail what *of* names."""

    rate: Rate
    of: tuple[str, ...]

    def key(self, now: datetime) -> str:
        """The window is in the key: nothing has to be reset when it has passed."""
        return "oauth_server:failures:" + key_of((*self.of, self.rate.seconds, self._window(now)))

    def rest(self, now: datetime) -> int:
        """Whole seconds until the next window, at least one."""
        return math.ceil((self._window(now) + 1) * self.rate.seconds - now.timestamp()) or 1

    def _window(self, now: datetime) -> int:
        return int(now.timestamp() // self.rate.seconds)


def note_failure(limits: Iterable[Limit], now: datetime) -> int:
    """Count one more under each limit. Returns 0, or the seconds to wait where that is more than one of them allows.

    The limits after that one are left alone: whoever is held back fills the cache no further.
    """
    for limit in limits:
        if _count(limit.key(now), limit.rate.seconds) > limit.rate.count:
            return limit.rest(now)
    return 0


def take_back(limits: Iterable[Limit], now: datetime) -> None:
    """Count one less under each limit: what was counted before anybody looked at it did not fail."""
    for limit in limits:
        _count_back(limit.key(now))


def seconds_to_wait(limits: Iterable[Limit], now: datetime) -> int:
    """0 while something may still fail under every limit.

    `note_failure` counts under the first limit before it does under the next. So where nothing was counted under the first one, for as long as
    the others look back, nothing was under those: a single look at the cache.
    """
    clean_for = 0
    for limit in limits:
        if limit.rate.seconds > clean_for:
            count = _counted(limit.key(now))
            if count >= limit.rate.count:
                return limit.rest(now)
            clean_for = clean_for if count else limit.rate.seconds
    return 0


class Counts:
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: LRUCache[str, int] = LRUCache(_MOST)

    def count(self, key: str) -> int:
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]

    def count_back(self, key: str) -> None:
        with self._lock:
            self._counts[key] = max(self._counts.get(key, 0) - 1, 0)

    def get(self, key: str) -> int:
        with self._lock:
            return self._counts.get(key, 0)

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()


_own: Final = Counts()


def forget() -> None:
    """Begin to count anew, as a process that has just begun."""
    _own.forget()


def _count(key: str, timeout: float) -> int:
    """How often this was called for *key*, this call included; the first sets how long that is remembered.

    A cache that works is the only one that counts: whoever clears it begins anew, in every process.
    """

    def count(asked: BaseCache) -> int | None:
        if asked.add(key, 1, timeout):
            return 1 if asked.get(key) else None  # one that keeps nothing says that it does
        try:
            return int(asked.incr(key))
        except ValueError:  # it went between the two, or the cache is away and says nothing of it
            return None

    counted = shared_cache("default").ask(count, away=None)
    return _own.count(key) if counted is None else counted


def _count_back(key: str) -> None:
    def count(asked: BaseCache) -> int | None:
        try:
            return int(asked.decr(key))
        except ValueError:
            return None

    if shared_cache("default").ask(count, away=None) is None:
        _own.count_back(key)


def _counted(key: str) -> int:
    found: int = shared_cache("default").ask(lambda asked: int(asked.get(key) or 0), away=0)
    return max(found, _own.get(key))
