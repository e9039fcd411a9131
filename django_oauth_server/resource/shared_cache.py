"""The project's caches, asked in one way: that a cache is away is an answer, and no failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Final, TypeVar

from django.core.cache import BaseCache, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache

from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.occasionally import Occasionally

logger = get_log("django_oauth_server.resource")

_ENOUGH: Final = 10_000
"""Entries: what is noted of 30 requests a second, for five minutes."""

T = TypeVar("T")
U = TypeVar("U")


class SharedCache:
    """One of `CACHES`, by its alias. Whoever asks says what counts while it is away."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._may_tell = Occasionally(timedelta(minutes=1))

    def ask(self, question: Callable[[BaseCache], T], *, away: U) -> T | U:
        """What *question* returns; *away* where the cache does not answer, which is logged once a minute."""
        try:
            return question(caches[self._alias])
        except Exception:  # each backend has errors of its own, and none of them is worth a refusal
            if self._may_tell():
                logger.exception("The cache %r cannot be reached.", self._alias)
            return away


@cache
def shared_cache(alias: str) -> SharedCache:
    """The one of this *alias*."""
    return SharedCache(alias)


def is_there(alias: str) -> bool:
    """Whether `CACHES` has this *alias*."""
    return alias in caches.settings


def forgets(alias: str) -> str:
    """Why a key may be added twice before its time is up, in words that follow the name of the cache. Empty: each is added once."""
    asked = caches[alias]
    if isinstance(asked, (DummyCache, FileBasedCache, LocMemCache)):
        return "which is not shared between processes"
    if isinstance(asked, DatabaseCache) and asked._max_entries < _ENOUGH:
        return f"which drops entries early when it has more than {asked._max_entries} (MAX_ENTRIES)"
    return ""
