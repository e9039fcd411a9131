"""The thread and the database connections of what goes on long after its request was admitted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final
from weakref import WeakSet

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

is_admitting: Final = ContextVar("oauth_is_admitting", default=False)
"""Set while a request is identified: a connection that is opened meanwhile was opened for nothing else."""

_opened: Final[WeakSet[BaseDatabaseWrapper]] = WeakSet()
"""Connections that were opened meanwhile, and not used since."""


def _note(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if not is_admitting.get():
        _opened.discard(connection)
        return
    _opened.add(connection)
    if _note_use not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _note_use)  # Django takes off the last, which is somebody else's


def _note_use(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """What is asked later may be there to last: a role that is set once the caller is known."""
    if not is_admitting.get():
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


def _variables_of_thread() -> frozenset[ContextVar[Any]]:
    """Those by which asgiref finds the thread for a call: what the server, and what a sync middleware has made."""
    context = Context()
    context.run(setattr, AsyncToSync.executors, "current", None)
    return frozenset({SyncToAsync.thread_sensitive_context, *context})


_OF_THE_THREAD: Final = _variables_of_thread()


def is_served() -> bool:
    """Whether a server has called. Otherwise a test has, and the thread is its own."""
    return SyncToAsync.thread_sensitive_context.get(None) is not None


def is_lent() -> bool:
    """Whether the thread is a sync middleware's, which lends it to what is called below it, and only until it has the response."""
    return is_served() and getattr(AsyncToSync.executors, "current", None) is not None


def context_without_thread() -> Context:
    """All that this context knows, but for its thread.

    The variables are left out, not assigned to: in asgiref 3.8 that would take the thread from the middleware as well, which would wait forever.
    """
    context = Context()
    for variable, value in copy_context().items():
        if variable not in _OF_THE_THREAD:
            context.run(variable.set, value)
    return context


def context_with_own_thread() -> Context:
    """All that this context knows, and a thread that lasts as long as whatever uses it."""
    context = context_without_thread()
    context.run(SyncToAsync.thread_sensitive_context.set, ThreadSensitiveContext())
    return context


def thread() -> Executor | None:
    """The one that the server, or `context_with_own_thread`, has for this context; None where nothing is called in it, or not any more."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    return None if context is None else SyncToAsync.context_to_thread_executor.get(context)


async def end_thread() -> None:
    """Close the connections of the thread of this context, and end it."""
    try:
        await sync_to_async(connections.close_all)()
    finally:
        ended = SyncToAsync.context_to_thread_executor.pop(SyncToAsync.thread_sensitive_context.get(), None)
        if ended is not None:
            ended.shutdown(wait=False)
