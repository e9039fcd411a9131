"""Workers and their database are killed under load, again and again: whatever was answered holds, and nobody honest is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import random

import pytest

from tests.clusters.clients import Clients
from tests.clusters.postgresql import PostgreSQL
from tests.clusters.workers import POSTGRESQL, Gunicorn, Prepared, prepare, serve


@pytest.fixture(scope="module")
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    database = PostgreSQL(folder / "postgresql")
    database.make()
    database.start()
    try:
        yield database
    finally:
        database.stop()


@pytest.fixture(scope="module")
def prepared(postgresql: PostgreSQL) -> Prepared:
    return prepare(POSTGRESQL | {"PORT": postgresql.port})


@pytest.fixture(scope="module")
def places(
    postgresql: PostgreSQL, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Gunicorn]]:
    """Prepared statements by name, as where nothing stands between."""
    options = {"server_side_binding": True, "prepare_threshold": 2}
    database = POSTGRESQL | {"PORT": postgresql.port, "OPTIONS": options}
    with serve(tmp_path_factory.mktemp("workers"), database, prepared) as gunicorn:
        yield [gunicorn]


def test_workers_that_are_killed(places: list[Gunicorn], prepared: Prepared) -> None:
    with Clients(places, prepared) as clients:
        for _ in range(6):
            clients.until_all_is_well()
            time.sleep(random())
            places[0].kill_a_worker()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
    assert any(name.startswith("no answer") for name in clients.answers), "it was felt"


def test_a_database_that_is_killed(places: list[Gunicorn], prepared: Prepared, postgresql: PostgreSQL) -> None:
    with Clients(places, prepared) as clients:
        for _ in range(4):
            clients.until_all_is_well()
            time.sleep(random())
            postgresql.kill()
            time.sleep(random())
            postgresql.start()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
    assert clients.answers["503"]


def test_both_at_once(places: list[Gunicorn], prepared: Prepared, postgresql: PostgreSQL) -> None:
    with Clients(places, prepared) as clients:
        for _ in range(2):
            clients.until_all_is_well()
            places[0].kill_a_worker()
            postgresql.kill()
            postgresql.start()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
