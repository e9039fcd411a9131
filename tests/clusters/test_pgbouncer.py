"""Workers whose transactions share few connections: pgbouncer in transaction mode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.clients import Clients
from tests.clusters.postgresql import PgBouncer, PostgreSQL
from tests.clusters.workers import POSTGRESQL, Gunicorn, Prepared, prepare, serve

BINDINGS = {
    "bound by the client": {},
    "bound by the server": {
        "server_side_binding": True
    },  # parsed, bound and run in one message exchange, without a name
}


@pytest.fixture(scope="module")
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    database = PostgreSQL(folder / "postgresql")
    database.make()
    database.start()
    database.sql("ALTER ROLE oauth SET lock_timeout = '3s'")
    database.sql("ALTER ROLE oauth SET statement_timeout = '5s'")
    try:
        yield database
    finally:
        database.thaw()
        database.stop()


@pytest.fixture(scope="module")
def pgbouncer(folder: Path, postgresql: PostgreSQL) -> Iterator[PgBouncer]:
    pooler = PgBouncer(folder / "pgbouncer", postgresql)
    pooler.start()
    yield pooler
    pooler.kill()


def behind(pooler: PgBouncer, **options: object) -> dict[str, Any]:
    """What docs/operating.md says of workers behind a pgbouncer that does not track prepared statements."""
    return POSTGRESQL | {
        "PORT": pooler.port,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"connect_timeout": 3, **options},
    }


@pytest.fixture(scope="module")
def prepared(pgbouncer: PgBouncer) -> Prepared:
    return prepare(behind(pgbouncer))


@pytest.fixture(scope="module")
def places(
    pgbouncer: PgBouncer, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Gunicorn]]:
    """Workers of either kind, on the same eight connections."""
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        yield [
            stack.enter_context(serve(folder, behind(pgbouncer, **options), prepared)) for options in BINDINGS.values()
        ]


def test_more_workers_than_connections(places: list[Gunicorn], prepared: Prepared, postgresql: PostgreSQL) -> None:
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        time.sleep(5)
        clients.until_all_is_well()
        connected = int(postgresql.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    assert not clients.wrong, clients.wrong[:10]
    assert connected <= 9


def test_a_database_that_is_killed_behind_it(
    places: list[Gunicorn], prepared: Prepared, postgresql: PostgreSQL
) -> None:
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        postgresql.kill()
        time.sleep(4)
        postgresql.start()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
    assert clients.answers["503"]


def test_a_database_that_stands_still_behind_it(
    places: list[Gunicorn], prepared: Prepared, postgresql: PostgreSQL
) -> None:
    """pgbouncer's query_timeout ends what the database's own statement_timeout cannot."""
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        postgresql.freeze()
        time.sleep(12)
        postgresql.thaw()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
    assert max(clients.slowest_refusal.values()) < 10


def test_a_pgbouncer_that_is_killed(places: list[Gunicorn], prepared: Prepared, pgbouncer: PgBouncer) -> None:
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        pgbouncer.kill()
        time.sleep(2)
        pgbouncer.start()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
