"""Questions to an authorization server that are under way: asked by threads of their own, awaited by sync and async callers alike."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, contextmanager
from threading import BoundedSemaphore, Lock
from typing import Generic, TypeAlias, TypeVar
from weakref import WeakSet

from django_oauth_server.resource.verifiers.http import Unreachable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")

_EACH = 2
"""The threads that wait for one question."""


class Flight(Generic[T]):
    """A question that is under way. Any number of threads may wait for it while it is young; later, only as many as there are seats for."""

    def __init__(self, answer: Future[T], seats: BoundedSemaphore, briefly: float) -> None:
        self.answer = answer
        """For the event loop, where waiting takes no thread."""
        self._crowded_from = time.monotonic() + briefly
        self._seats = (BoundedSemaphore(_EACH), seats)

    def wait(self, patience: float) -> T:
        """The answer, waited for in this thread. Raises `Unreachable` where enough threads wait already, TimeoutError after *patience* seconds."""
        if not self._arrives_within(min(patience, self._crowded_from - time.monotonic())):
            with self._seated():
                return self.answer.result(patience)
        return self.answer.result()

    def _arrives_within(self, seconds: float) -> bool:
        return bool(wait_for((self.answer,), max(0.0, seconds)).done)

    @contextmanager
    def _seated(self) -> Iterator[None]:
        with ExitStack() as taken:
            for seats in self._seats:
                if not seats.acquire(blocking=False):
                    raise Unreachable("enough requests wait for its answer", retry_after=1)
                taken.callback(seats.release)
            yield


Steps: TypeAlias = Generator[Flight[T], T, R]
"""A verification, told once for both kinds of callers: it yields what it waits for, gets the answer, and returns its verdict."""


class Flights(Generic[T]):
    """Each question is asked once, however many wait for its answer.

    A bulkhead: no more than *workers* are asked at a time, and no more than *most* wait to be, whatever the number of callers. An address that
    does not answer holds few of the server's threads: two for one question, *seats* for all of them. The others wait no longer than *briefly*,
    in seconds since the question was asked, which spares a crowd that meets an address in good health.
    """

    def __init__(self, name: str, *, workers: int, most: int, seats: int = 4, briefly: float = 0.0) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._most = most
        self._seats = BoundedSemaphore(seats)
        self._briefly = briefly
        self._lock = Lock()
        self._flying: dict[str, Flight[T]] = {}

    def join(self, key: str, ask: Callable[[], T]) -> Flight[T]:
        """The question *key*, for which *ask* is called unless it is under way. Raises `Unreachable` at the limit."""
        with self._lock:
            if flight := self._flying.get(key):
                return flight
            if len(self._flying) >= self._most:
                raise Unreachable("too many questions are under way", retry_after=1)
            flight = self._flying[key] = Flight(self._executor.submit(ask), self._seats, self._briefly)
        flight.answer.add_done_callback(lambda _: self._landed(key))
        return flight

    def under_way(self, key: str) -> Flight[T] | None:
        """The question *key*, if it was asked and not answered yet."""
        with self._lock:
            return self._flying.get(key)

    def _landed(self, key: str) -> None:
        with self._lock:
            self._flying.pop(key, None)


class PerProcess(Generic[T_co]):
    """What each process makes for itself when it first needs it: threads, locks and connections do not survive a fork (gunicorn's `preload_app`)."""

    def __init__(self, make: Callable[[], T_co]) -> None:
        self._make = make
        self.begin_anew()
        _KNOWN.add(self)

    def begin_anew(self) -> None:
        """Forget what was made, and by whom it was locked."""
        self._lock = Lock()
        self._made: T_co | None = None

    def get(self) -> T_co:
        """The one of this process."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


_KNOWN: WeakSet[PerProcess[object]] = WeakSet()


def _after_fork() -> None:
    for one in _KNOWN:
        one.begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_after_fork)


def drive(steps: Steps[T, R], *, patience: float) -> R:
    """The verdict of *steps*, in a thread that may wait: *patience* seconds for each answer, then `Unreachable` is raised within them."""
    try:
        flight = next(steps)
        while True:
            try:
                answer = flight.wait(patience)
            except (Unreachable, TimeoutError) as exc:
                flight = steps.throw(_unreachable(exc))
            else:
                flight = steps.send(answer)
    except StopIteration as done:
        verdict: R = done.value
        return verdict


async def adrive(steps: Steps[T, R], *, patience: float) -> R:
    """`drive` for the event loop, which is left only where there is something to wait for."""
    try:
        flight = next(steps)
        while True:
            try:
                # Shielded: a caller that goes away must not take the answer from the others.
                answer = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(flight.answer)), patience)
            except (Unreachable, TimeoutError) as exc:
                flight = steps.throw(_unreachable(exc))
            else:
                flight = steps.send(answer)
    except StopIteration as done:
        verdict: R = done.value
        return verdict


def _unreachable(exc: Unreachable | TimeoutError) -> Unreachable:
    return exc if isinstance(exc, Unreachable) else Unreachable("no answer in time")
