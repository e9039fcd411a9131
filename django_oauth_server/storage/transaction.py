"""Conflicts with other writers are part of the design: the work is done anew, a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable
from random import uniform
from time import sleep
from typing import TypeVar

from django.db import OperationalError

from django_oauth_server.errors import TemporarilyUnavailable

ATTEMPTS = 20
_SQLSTATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_MARIADB_CODES = frozenset({1205, 1213, 1020})  # lock wait timeout, deadlock, record changed since last read

T = TypeVar("T")


class Conflict(Exception):
    """Another writer was first: what was read is no longer so."""


def retry_conflicts(work: Callable[[], T]) -> T:
    """What *work* returns. It opens its own transaction, so that each attempt reads anew.

    Raises `TemporarilyUnavailable` where even the last attempt met another writer.
    """
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except Conflict:
            pass
        except OperationalError as exc:
            if not is_conflict(exc):
                raise
        sleep(uniform(0, 0.005 * (attempt + 1)))  # noqa: S311 - spreads the writers; nobody need not guess it
    raise TemporarilyUnavailable("The server is busy; try again.", detail=f"{ATTEMPTS} conflicts with other writers")


def is_conflict(exc: OperationalError) -> bool:
    """Whether the database refused because of another writer: serialization failure, deadlock, or SQLite's lock."""
    cause = exc.__cause__
    if getattr(cause, "sqlstate", None) in _SQLSTATES:
        return True
    return bool(exc.args) and (exc.args[0] in _MARIADB_CODES or "database is locked" in str(exc.args[0]))
