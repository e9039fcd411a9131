"""What is said now and then, so that it is read."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from threading import Lock
from typing import Final

_MOST_KINDS: Final = 20


class Occasionally:
    """Says yes once in *period*: a log that repeats itself is not read."""

    def __init__(self, period: timedelta) -> None:
        self._period = period.total_seconds()
        self._lock = Lock()
        self._last = -math.inf

    def __call__(self) -> bool:
        with self._lock:
            if time.monotonic() - self._last < self._period:
                return False
            self._last = time.monotonic()
            return True


class OccasionallyEach:
    """The same of each kind. Of many kinds, which somebody may have thought up, only the first few of a *period* are said."""

    def __init__(self, period: timedelta) -> None:
        self._period = period.total_seconds()
        self.begin_anew()

    def begin_anew(self) -> None:
        """As a process that has just begun."""
        self._lock = Lock()
        self._said: dict[str, float] = {}

    def __call__(self, kind: str) -> bool:
        with self._lock:
            now = time.monotonic()
            self._said = {said: at for said, at in self._said.items() if now - at < self._period}
            if kind in self._said or len(self._said) >= _MOST_KINDS:
                return False
            self._said[kind] = now
            return True
