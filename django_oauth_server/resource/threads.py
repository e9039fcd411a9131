"""The thread of what goes on long after its request was admitted."""

from __future__ import annotations

from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from threading import Lock
from typing import Any, Final, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.db import connections

from django_oauth_server.resource.connections import is_served

T = TypeVar("T")


def _variables_of_thread() -> frozenset[ContextVar[Any]]:
    """Those by which asgiref finds the thread for a call: what the server, and what a sync middleware has made."""
    context = Context()
    context.run(setattr, AsyncToSync.executors, "current", None)
    return frozenset({SyncToAsync.thread_sensitive_context, *context})


_OF_THE_THREAD: Final = _variables_of_thread()


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
