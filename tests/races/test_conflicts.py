"""Each way in which a database refuses because of another writer, provoked, and overcome by doing the work anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import connection, transaction

from django_oauth_server.models import Client
from django_oauth_server.storage.transaction import retry_conflicts
from tests.factories import ClientFactory
from tests.races.doors import at_once
from tests.waiting import PATIENCE

Work = Callable[[Callable[[], None]], None]
"""Does something, and calls what it is given where the other must have come as far."""


def collide(*works: Work, session: str = "", patience: float = PATIENCE) -> int:
    """Run both so that their first attempts meet, in a transaction each. Returns how many attempts they needed.

    *session*: what MariaDB is told before. *patience*: seconds after which whoever waits goes on alone, where the other is made to wait for it.
    """
    meeting, attempts = Barrier(len(works)), list[int]()

    def meet() -> None:
        with suppress(BrokenBarrierError):  # the other is made to wait, or came before
            meeting.wait(timeout=patience)

    def attempt(number: int) -> None:
        is_first = number not in attempts
        attempts.append(number)
        if session:
            execute(f"SET SESSION {session}")
        with transaction.atomic():
            works[number](meet if is_first else lambda: None)

    at_once(*[partial(retry_conflicts, partial(attempt, number)) for number in range(len(works))])
    return len(attempts)


def rename(client: Client) -> None:
    Client.objects.filter(pk=client.pk).update(profile="another")


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def only_on(vendor: str) -> None:
    if connection.vendor != vendor:
        pytest.skip(f"only {vendor} refuses so")


def test_a_deadlock() -> None:
    one, other = ClientFactory(), ClientFactory()

    def rename_both(first: Client, second: Client, meet: Callable[[], None]) -> None:
        rename(first)
        meet()
        rename(second)

    take_turns = connection.vendor == "sqlite"
    work = partial(rename_both, one, other), partial(rename_both, other, one)
    assert collide(*work, patience=1 if take_turns else PATIENCE) > 2 or take_turns


def test_a_serialization_failure_at_the_commit() -> None:
    """Each reads what the other writes (write skew): one of them fails, at the latest when it commits."""
    only_on("postgresql")
    one, other = ClientFactory(), ClientFactory()

    def read_and_rename(read: Client, written: Client, meet: Callable[[], None]) -> None:
        execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        assert Client.objects.filter(pk=read.pk).get().profile in {"", "another"}
        rename(written)
        meet()

    assert collide(partial(read_and_rename, one, other), partial(read_and_rename, other, one)) >= 3


def test_a_wait_that_was_too_long() -> None:
    only_on("mysql")
    client = ClientFactory()

    def rename_slowly(meet: Callable[[], None]) -> None:
        rename(client)
        meet()
        execute("DO SLEEP(1.2)")

    assert collide(rename_slowly, rename_slowly, session="innodb_lock_wait_timeout = 1", patience=2) >= 3


def test_a_record_that_has_changed_since_it_was_read() -> None:
    only_on("mysql")
    client = ClientFactory()

    def read_and_rename(meet: Callable[[], None]) -> None:
        assert Client.objects.filter(pk=client.pk).exists()
        meet()
        rename(client)

    session = "innodb_snapshot_isolation = ON, tx_isolation = 'REPEATABLE-READ'"
    assert collide(read_and_rename, read_and_rename, session=session) >= 3
