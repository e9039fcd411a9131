"""The keys that an issuer publishes, kept as fresh as they must be and asked for as seldom as that allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import Final, NamedTuple

from django_oauth_server.protocol.jose import KeySet
from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.verifiers.flights import Flight, Flights, Steps
from django_oauth_server.resource.verifiers.http import Unreachable
from django_oauth_server.resource.verifiers.restraint import BRIEFLY, Breaker

logger = get_log("django_oauth_server.resource")

_KEYS: Final = "keys"
_REFRESH_AT: Final = 0.8
"""The part of their lifetime after which keys are fetched anew, while they still serve."""


class _Kept(NamedTuple):
    keys: KeySet
    since: float
    """By the clock that is never set."""


class PublishedKeys:
    """Answers one question: with which keys is a token of this issuer verified now?

    *fetch* is given those that it fetched before, and returns them where nothing has changed. It is called once, however many wait, and again
    behind the callers' backs before the keys' *lifetime* is over. While the issuer does not answer they serve *stale_for* longer. Tokens that
    name unknown keys cause one fetch in *retry_unknown*, however many they are.
    """

    def __init__(
        self,
        issuer: str,
        fetch: Callable[[KeySet | None], KeySet],
        *,
        lifetime: timedelta,
        stale_for: timedelta,
        retry_unknown: timedelta,
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._lifetime = lifetime.total_seconds()
        self._end = self._lifetime + stale_for.total_seconds()
        self._retry_unknown = retry_unknown.total_seconds()
        self._breaker = Breaker(after=1)
        self._flights: Flights[KeySet] = Flights("oauth-jwks", workers=1, most=1, briefly=BRIEFLY)
        self._lock = Lock()
        self._kept: _Kept | None = None
        self._asked_for_unknown = -math.inf

    def current(self) -> Steps[KeySet, KeySet]:
        """Waits where there are none, or none that are fresh enough. Raises `Unreachable` where there are none in the end."""
        if keys := self._at_hand():
            return keys
        try:
            return (yield self._flight())
        except Unreachable:
            if keys := self._last_good():
                return keys
            raise

    def newer_than(self, keys: KeySet) -> Steps[KeySet, KeySet]:
        """Those that were published since; *keys* themselves where it is too soon to ask. Raises `Unreachable` where that cannot be told."""
        if self._kept and self._kept.keys is not keys:
            return self._kept.keys
        flight = self._flights.under_way(_KEYS)
        if flight is None and not self._may_ask_for_unknown():
            if self._breaker.troubled:
                raise Unreachable("it may have published a key since it last answered", retry_after=self._wait())
            return keys
        return (yield flight or self._flight())

    def _at_hand(self) -> KeySet | None:
        """Those that may be used without waiting. Once the issuer is known to fail, nobody waits for it again in vain."""
        kept = self._kept
        age = time.monotonic() - kept.since if kept else math.inf
        if kept is None or age > self._end or (age > self._lifetime and not self._breaker.troubled):
            return None
        if age > self._lifetime * _REFRESH_AT and not self._breaker.left:
            self._flight()
        return kept.keys

    def _last_good(self) -> KeySet | None:
        kept = self._kept
        return kept.keys if kept and time.monotonic() - kept.since <= self._end else None

    def _may_ask_for_unknown(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now - self._asked_for_unknown < self._retry_unknown:
                return False
            self._asked_for_unknown = now
            return True

    def _wait(self) -> int:
        return math.ceil(max(self._breaker.left, 1))

    def _flight(self) -> Flight[KeySet]:
        return self._flights.join(_KEYS, self._refresh)

    def _refresh(self) -> KeySet:
        try:
            with self._breaker.guard():
                keys = self._fetch(self._kept.keys if self._kept else None)
        except Unreachable as exc:
            logger.warning("The keys of %s cannot be fetched: %s", self._issuer, exc)
            raise
        if not keys.keys:
            logger.warning("%s publishes no usable key, so none of its tokens will be accepted.", self._issuer)
        self._kept = _Kept(keys, time.monotonic())
        return keys
