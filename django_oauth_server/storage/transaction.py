"""Conflicts with other writers are part of the design: the work is done anew, a bounded number of times. An outage is not waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from random import uniform
from time import monotonic, sleep
from typing import Final, TypeVar

from django.db import Error, connections, router, transaction
from django.db.transaction import Atomic

from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.models import Token
from django_oauth_server.storage.database_errors import is_conflict, is_outage

ATTEMPTS: Final = 20
PATIENCE: Final = 10.0
"""Seconds after which no further attempt is made: a database may take its time before it tells of a conflict."""

_LONGEST_PAUSE: Final = 0.5

T = TypeVar("T")

_done: Final[ContextVar[dict[str, bool] | None]] = ContextVar("oauth_server_done", default=None)


class Conflict(Exception):
    """Another writer was first: what was read is no longer so."""


def database() -> str:
    """Where the package's rows are written: with DATABASE_ROUTERS not always the default database."""
    return router.db_for_write(Token)


class _OwnAtomic(Atomic):
    """A transaction that this package began, or a part of one."""


def atomic() -> Atomic:
    """All that is written to the package's rows, or nothing of it."""
    return _OwnAtomic(database(), savepoint=True, durable=False)


def in_own_transaction() -> bool:
    """Whether that is so because this package asked for it, not a project (ATOMIC_REQUESTS) or its tests."""
    return any(isinstance(block, _OwnAtomic) for block in connections[database()].atomic_blocks)


def in_transaction() -> bool:
    """Whether what is written now is committed later."""
    return connections[database()].in_atomic_block


def after_commit(work: Callable[[], object]) -> None:
    """Run *work* once all is committed. Where it fails, that is logged: what is committed is not to be done anew."""
    transaction.on_commit(
        lambda: work(), using=database(), robust=True
    )  # Django logs the name of a function, which a partial lacks


def once(what: str, work: Callable[[], bool]) -> bool:
    """What *work* returns, which is done once however often the work around it is done anew: it is committed by itself, before that begins."""
    done = _done.get()
    if done is None or what not in done:
        result = work()
        if done is not None:
            done[what] = result
        return result
    return done[what]


def retry_conflicts(work: Callable[[], T]) -> T:
    """What *work* returns. It opens its own transaction, so that each attempt reads anew.

    Raises `TemporarilyUnavailable` where even the last attempt met another writer, and at once where the database does not answer: whether it has
    committed is unknown then, so that only the client can decide to try again. Inside a transaction of the caller a conflict is the
    caller's: only who began the transaction can do it anew.
    """
    began = _done.set({})
    try:
        for _ in _attempts():
            try:
                return work()
            except Conflict:
                pass
            except Error as exc:
                if is_outage(exc):
                    raise unavailable(exc) from exc
                if in_transaction() or not is_conflict(exc):
                    raise
    finally:
        _done.reset(began)
    raise TemporarilyUnavailable("The server is busy. Try again.", detail="too many conflicts with other writers")


def unavailable(exc: Error) -> TemporarilyUnavailable:
    """What a client is told of *exc*, an outage: nothing of the database. The log has its words."""
    cause = " ".join(str(exc).split())
    return TemporarilyUnavailable(
        "The server cannot answer right now. Try again.",
        detail=f"the database does not answer: {type(exc).__name__}: {cause}",
    )


def _attempts() -> Iterator[None]:
    """Each after a pause, longer each time, and no two writers alike; the first at once."""
    end = monotonic() + PATIENCE
    yield
    for attempt in range(ATTEMPTS - 1):
        sleep(uniform(0, min(0.005 * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - spreads the writers; nobody need not guess it
        if monotonic() > end:
            return
        yield
