"""What is said now and then, so that it is read."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from threading import Lock


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
