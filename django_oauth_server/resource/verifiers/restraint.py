"""What keeps a verifier from asking more than an authorization server can bear, or waiting for one that is gone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import Final

from django_oauth_server.resource.verifiers.http import Unreachable

BRIEFLY: Final = 1.0
"""Seconds for which any number of threads wait for an issuer, which the deployment has chosen: longer than one in good health takes."""


class Breaker:
    """Leaves a server alone that failed *after* times in a row, so that nobody waits for it in vain.

    When the pause is over, one caller tries; the others are told at once until it has succeeded. Each try that fails doubles the pause.
    """

    def __init__(self, *, after: int, pause: float = 5, longest: float = 60) -> None:
        self._after, self._pause, self._longest = after, pause, longest
        self._lock = Lock()
        self._failures = self._tries = 0
        self._until = -math.inf

    @property
    def troubled(self) -> bool:
        """Whether the last that was heard is a failure."""
        return self._failures > 0

    @property
    def left(self) -> float:
        """Seconds for which the server is left alone."""
        return max(0.0, self._until - time.monotonic())

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around each exchange with the server. Raises `Unreachable` in place of it while the server is left alone."""
        self._enter()
        try:
            yield
        except Unreachable as exc:
            self._failed(exc.retry_after)
            raise
        self._succeeded()

    def _enter(self) -> None:
        with self._lock:
            if self.left:
                raise Unreachable("it did not answer, and is left alone for a moment", retry_after=math.ceil(self.left))
            if self._failures >= self._after:
                self._tries += 1
                self._until = time.monotonic() + min(self._pause * 2**self._tries, self._longest)

    def _failed(self, retry_after: int) -> None:
        """A server that names a time gets it."""
        with self._lock:
            self._failures += 1
            if self._failures == self._after or retry_after:
                self._failures = max(self._failures, self._after)
                self._until = max(self._until, time.monotonic() + (retry_after or self._pause))

    def _succeeded(self) -> None:
        with self._lock:
            self._failures = self._tries = 0
            self._until = -math.inf


class Budget:
    """*most* at once, which come back evenly within *period*: what exceeds it gets a share, and is not locked out for the rest of a window."""

    def __init__(self, most: int, period: timedelta) -> None:
        self._most, self._rate = most, most / period.total_seconds()
        self._lock = Lock()
        self._left, self._counted = float(most), time.monotonic()

    def take(self) -> None:
        """Raises `Unreachable` where nothing is left."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._most, self._left + (now - self._counted) * self._rate)
            self._counted = now
            if self._left < 1:
                wait = math.ceil((1 - self._left) / self._rate)
                raise Unreachable("too many tokens were refused of late", retry_after=max(1, wait))
            self._left -= 1

    def give_back(self) -> None:
        """What was taken was not needed."""
        with self._lock:
            self._left = min(self._most, self._left + 1)
