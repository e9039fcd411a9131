"""Who delivers, once what ended a session is committed: a thread of this process, Django's tasks, or a command beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Final

from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string

from django_oauth_server.conf.loader import load
from django_oauth_server.logout.delivery import deliver_due
from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.verifiers.flights import PerProcess
from django_oauth_server.storage.logout_deliveries import next_due

_LONGEST_REST: Final = 60.0
_REST_AFTER_TROUBLE: Final = 5.0

logger = get_log(__name__)


class Courier:
    """A thread that lives while anything waits. No request waits for it, and no process lives on for it: what is due is in the database."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._news = Event()
        self._runs = False

    def wake(self) -> None:
        """There is something to deliver."""
        with self._lock:
            self._news.set()
            if not self._runs:
                self._runs = True
                Thread(target=self._run, name="oauth-courier", daemon=True).start()

    def _run(self) -> None:
        try:
            while (rest := self._round()) is not None:
                connections.close_all()
                self._news.wait(rest)
        finally:
            connections.close_all()

    def _round(self) -> float | None:
        """Deliver what is due; how long to rest then, or None where nobody waits any more."""
        self._news.clear()
        try:
            deliver_due()
            due = next_due(timezone.now())
        except Exception:  # whatever it was: no thread takes the place of one that died
            logger.exception("Pending logout notifications cannot be delivered.")
            return _REST_AFTER_TROUBLE
        if due is not None:
            return min(max((due - timezone.now()).total_seconds(), 0.1), _LONGEST_REST)
        with self._lock:
            self._runs = self._news.is_set()
            return 0.0 if self._runs else None


_courier: Final = PerProcess(Courier)


def deliver_soon() -> None:
    """By whatever means the settings name; the command comes by itself."""
    for means in {one.logout_delivery for one in load()}:
        _MEANS[means]()


def _wake() -> None:
    _courier.get().wake()


def _enqueue() -> None:
    import_string("django_oauth_server.logout.tasks.deliver_logouts").enqueue()  # older Djangos have no tasks


_MEANS: Final[Mapping[str, Callable[[], object]]] = {"thread": _wake, "task": _enqueue, "command": lambda: None}
