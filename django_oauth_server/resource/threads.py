"""The thread and the database connections of what goes on long after its request was admitted."""

from __future__ import annotations

from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from threading import Lock
from typing import Any, Final, TypeVar
from weakref import WeakSet

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

T = TypeVar("T")

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


def _variables_of_thread() -> frozenset[ContextVar[Any]]:
    """Those by which asgiref finds the thread for a call: what the server, and what a sync middleware has made."""
    context = Context()
    context.run(setattr, AsyncToSync.executors, "current", None)
    return frozenset({SyncToAsync.thread_sensitive_context, *context})


_OF_THE_THREAD: Final = _variables_of_thread()


def is_served() -> bool:
    """Whether an ASGI server has called. Otherwise a test has, and the thread is its own."""
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


class ApplicationThread(Executor):
    """That in which an application calls what is sync: the request's as long as there is that, and otherwise one of its own.

    What the application has left behind, such as a tool whose caller has gone, goes on in this context: no connection stays open between its calls.
    """

    def __init__(self, of_request: Executor | None) -> None:
        self._of_request = of_request
        self._own: ThreadPoolExecutor | None = None
        self._calls = 0
        self._lock = Lock()
        self._is_over = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        if self._of_request is not None:
            try:
                return self._of_request.submit(fn, *args, **kwargs)
            except RuntimeError:  # the request is over
                self._of_request = None
        with self._lock:
            self._own = self._own or ThreadPoolExecutor(1)
            self._calls += 1
            called = self._own.submit(self._call, fn, *args, **kwargs)
        called.add_done_callback(self._count)
        return called

    def _call(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            return fn(*args, **kwargs)
        finally:
            if self._is_over:
                self._end()

    def _end(self) -> None:
        """Called in the thread."""
        connections.close_all()
        with self._lock:
            if self._own is not None and self._calls == 1:
                self._own.shutdown(wait=False)
                self._own = None

    def _count(self, _: object) -> None:
        with self._lock:
            self._calls -= 1

    async def leave(self) -> None:
        """The application has ended."""
        self._is_over = True
        if self._own is not None:
            await wrap_future(self.submit(bool))


def context_with_thread(thread: ApplicationThread) -> Context:
    """All that this context knows, with *thread* for what is called in it."""
    context, sensitive = context_without_thread(), ThreadSensitiveContext()
    context.run(SyncToAsync.thread_sensitive_context.set, sensitive)
    SyncToAsync.context_to_thread_executor[sensitive] = thread
    return context


def thread_of_application(*, is_free: bool) -> ApplicationThread | None:
    """None where it has the thread of its caller: a test's, or a sync middleware's that has a connection open."""
    if not is_served() or (is_lent() and not is_free):
        return None
    return ApplicationThread(
        None if is_lent() else SyncToAsync.context_to_thread_executor.get(SyncToAsync.thread_sensitive_context.get())
    )
