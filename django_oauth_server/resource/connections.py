"""The database connections that were opened to admit a request, which what goes on long after that does not need."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakSet

from asgiref.sync import SyncToAsync
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_is_admitting: Final = ContextVar("oauth_is_admitting", default=False)
_opened: Final[WeakSet[BaseDatabaseWrapper]] = WeakSet()
"""Connections that were opened during an `Admission`, and not used since."""


class Admission:
    """The time in which a request is identified and judged: a connection that is opened within it was opened for nothing else."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _is_admitting.set(True)

    def __exit__(self, *exc: object) -> None:
        _is_admitting.reset(self._before)


def _note(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if not (_is_admitting.get() and is_served()):  # under WSGI nobody asks
        _opened.discard(connection)
        return
    _opened.add(connection)
    if _note_use not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _note_use)  # Django takes off the last, which is somebody else's


def _note_use(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """What is asked later may be there to last: a role that is set once the caller is known."""
    if not _is_admitting.get():
        _opened.discard(context["connection"])
    return execute(sql, params, many, context)


connection_created.connect(_note)


def let_go() -> bool:
    """Close the connections that only identified the request: Django keeps them until its response ends, and a stream may last for an hour.

    Others stay, as what a middleware has set on one (`SET ROLE`) may decide what is seen through it. Returns whether none is open.
    """
    opened = [one for one in connections.all(initialized_only=True) if one.connection is not None]
    idle = [one for one in opened if one in _opened and one.autocommit and not one.in_atomic_block]
    for one in idle:
        one.close()
    return len(idle) == len(opened)


def is_served() -> bool:
    """Whether an ASGI server has called. Otherwise a test has, and the thread is its own."""
    return SyncToAsync.thread_sensitive_context.get(None) is not None
