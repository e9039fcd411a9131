"""What could not be noted when a person signed out, because the database did not answer: it is done as soon as the database does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from time import sleep
from typing import Final

from django.db import connections

from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.verifiers.flights import PerProcess

REST: Final = 5.0
"""Seconds between two attempts."""
_MOST: Final = 10_000
"""Beyond that the oldest are forgotten, as all are when the process ends."""

logger = get_log(__name__)


class Amends:
    """A thread that lives while something is owed. The only thing of sign-out that is not in the database, which did not take it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owed: deque[Callable[[], object]] = deque(maxlen=_MOST)
        self._runs = False

    def owe(self, work: Callable[[], object]) -> None:
        """Do *work* again and again, until it succeeds."""
        with self._lock:
            self._owed.append(work)
            if not self._runs:
                self._runs = True
                Thread(target=self._run, name="oauth-amends", daemon=True).start()

    def pay(self) -> None:
        """Do all that is owed. Raises whatever keeps the first of it from being done."""
        while work := self._first():
            work()
            with self._lock:
                self._owed.remove(work)

    def _run(self) -> None:
        while self._runs:
            sleep(REST)
            try:
                self.pay()
            except Exception:  # whatever it was: it is tried again
                logger.warning("Sign-outs still cannot be stored. This process keeps trying.")
            finally:
                connections.close_all()
            with self._lock:
                self._runs = bool(self._owed)

    def _first(self) -> Callable[[], object] | None:
        with self._lock:
            return self._owed[0] if self._owed else None


_amends: Final = PerProcess(Amends)


def make_up_for(work: Callable[[], object]) -> None:
    """Do *work* as soon as the database takes it."""
    _amends.get().owe(work)
