"""The project's caches, asked in one way: that a cache is away is an answer, and no failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import TypeVar

from django.core.cache import BaseCache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache

from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.occasionally import Occasionally

logger = get_log("django_oauth_server.resource")

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
                logger.exception("the cache %r cannot be reached", self._alias)
            return away


@cache
def shared_cache(alias: str) -> SharedCache:
    """The one of this *alias*."""
    return SharedCache(alias)


def is_there(alias: str) -> bool:
    """Whether `CACHES` has this *alias*."""
    return alias in caches.settings


def adds_once(alias: str) -> bool:
    """Whether all processes see what one of them adds, so that each key is added once."""
    return not isinstance(caches[alias], (DummyCache, FileBasedCache, LocMemCache))
