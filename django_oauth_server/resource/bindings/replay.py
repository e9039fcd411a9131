"""What may be presented once, and who remembers that it was."""

from __future__ import annotations

import json
import math
import time
from typing import Final, Protocol

from asgiref.sync import sync_to_async
from django.core.cache import BaseCache

from django_oauth_server.protocol.opaque import digest
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.resource.verifiers.base import CannotVerify

_PREFIX: Final = "oauth_server:presented:"


class Memory(Protocol):
    """Answers one question: is this presented for the first time?"""

    def note(self, *of: str, until: float) -> bool:
        """Note that what *of* names was presented. False where it was before. Raises `CannotVerify` where nobody can tell.

        It is remembered *until* it would be refused anyway, in seconds since 1970.
        """
        ...

    async def anote(self, *of: str, until: float) -> bool:
        """The same, without blocking the event loop."""
        ...


class CacheMemory:
    """One of `CACHES`, which all processes share. It asks no database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def note(self, *of: str, until: float) -> bool:
        """A cache that says nothing of its failures refuses to add: then what is not there was not presented before either."""
        key, seconds = _PREFIX + digest(json.dumps(of)), math.ceil(until - time.time()) + 1

        def is_first(asked: BaseCache) -> bool | None:
            if asked.add(key, True, seconds):
                return True
            return False if asked.get(key) else None

        first = shared_cache(self._alias).ask(is_first, away=None)
        if first is None:
            raise CannotVerify(f"the cache {self._alias!r} does not say what was presented before")
        return first

    async def anote(self, *of: str, until: float) -> bool:
        """In a thread of its own: it needs nothing of the others."""
        return await sync_to_async(self.note, thread_sensitive=False)(*of, until=until)
