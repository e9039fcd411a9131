"""How often something failed of late: counted in the cache, where all processes see it. What succeeds is not counted, and asks nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django_oauth_server.conf.rates import Rate
from django_oauth_server.resource.throttling import FORGIVING, key_of


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
        if FORGIVING.count(limit.key(now), limit.rate.seconds) > limit.rate.count:
            return limit.rest(now)
    return 0


def seconds_to_wait(limits: Iterable[Limit], now: datetime) -> int:
    """0 while something may still fail under every limit. Asks the cache once."""
    keys = {limit.key(now): limit for limit in limits}
    counts = FORGIVING.get_many(keys) if keys else {}
    return max((limit.rest(now) for key, limit in keys.items() if counts.get(key, 0) >= limit.rate.count), default=0)
