"""A cache that goes and comes back empty, or stands still."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters.clients import Clients
from tests.clusters.postgresql import PostgreSQL
from tests.clusters.redis import Redis
from tests.clusters.workers import POSTGRESQL, Gunicorn, Prepared, prepare, serve


@pytest.fixture(scope="module")
def redis(folder: Path) -> Iterator[Redis]:
    cache = Redis(folder)
    cache.start()
    yield cache
    cache.thaw()
    cache.kill()


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
    postgresql: PostgreSQL, redis: Redis, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Gunicorn]]:
    """What docs/operating.md says of a cache: nobody waits for it for long."""
    cache = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis.url,
        "OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2},
    }
    database, cached = POSTGRESQL | {"PORT": postgresql.port}, json.dumps({"default": cache})
    with serve(tmp_path_factory.mktemp("workers"), database, prepared, CLUSTER_CACHE=cached) as gunicorn:
        yield [gunicorn]


def test_one_that_goes_and_comes_back_empty(places: list[Gunicorn], prepared: Prepared, redis: Redis) -> None:
    with Clients(places, prepared) as clients:
        for _ in range(2):
            clients.until_all_is_well()
            redis.kill()
            clients.until_all_is_well()
            redis.start()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
    assert not clients.answers["503"], "a cache is no reason to refuse anything"


def test_one_that_stands_still(places: list[Gunicorn], prepared: Prepared, redis: Redis) -> None:
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        redis.freeze()
        time.sleep(3)
        clients.until_all_is_well()
        redis.thaw()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
    assert not clients.answers["503"]
