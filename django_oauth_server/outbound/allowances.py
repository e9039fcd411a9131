"""How often somebody may have this process ask a new address. Nothing is stored in the database, so that made-up addresses fill no table."""

from __future__ import annotations

from math import ceil
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from cachetools import LRUCache

from django_oauth_server.conf.rates import Rate
from django_oauth_server.outbound.memory import remembered

_REMEMBERED: Final = 4096


class _Account(NamedTuple):
    spent: float
    at: float


class _Accounts:
    def __init__(self) -> None:
        self._lock = Lock()
        self._known: LRUCache[str, _Account] = LRUCache(_REMEMBERED)

    def spend(self, who: str, rate: Rate) -> int:
        """Count one more question of *who*, and return 0; or the seconds after which they may ask it. What was spent comes back evenly."""
        each = rate.seconds / rate.count
        with self._lock:
            now = monotonic()
            known = self._known.get(who, _Account(0.0, now))
            spent = max(0.0, known.spent - (now - known.at) / each)
            if spent + 1 > rate.count:
                return ceil((spent + 1 - rate.count) * each)
            self._known[who] = _Account(spent + 1, now)
            return 0


_accounts: Final = remembered(_Accounts)


def spend(who: str, rate: Rate) -> int:
    """Count one more question of *who*, and return 0; or, where it is one too many, the seconds after which they may ask it."""
    return _accounts.get().spend(who, rate)
