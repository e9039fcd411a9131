"""Two doors for every race, and a person who is signed in."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.factories import UserFactory
from tests.races.doors import Door, Gunicorn, Threads, limits, serve


@pytest.fixture(autouse=True)
def _shared_database(transactional_db: None) -> None:
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("races need a database that several processes share: set TEST_DATABASE_URL")


@pytest.fixture(autouse=True)
def _unlimited(settings: Any) -> None:
    """What loses a race fails, and it is to say why."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": dict.fromkeys(limits())}
    settings.ROOT_URLCONF = "tests.races.urls"


@pytest.fixture(autouse=True)
def _alone(_shared_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One race at a time, however many processes run tests: each takes fifty of the server's hundred connections."""
    with (tmp_path_factory.getbasetemp().parent / "race").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def _served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with serve(tmp_path_factory.mktemp("gunicorn")) as gunicorn:
        yield gunicorn


@pytest.fixture
def gunicorn(_served: Gunicorn) -> Iterator[Gunicorn]:
    """Two workers. Nothing may have gone wrong in them that was not answered to a client."""
    before = _served.log.stat().st_size
    yield _served
    assert b"Traceback" not in _served.log.read_bytes()[before:], _served.log.read_text()


@pytest.fixture
def fresh_gunicorn(tmp_path: Path) -> Iterator[Gunicorn]:
    """Two workers that know of nothing yet."""
    with serve(tmp_path) as gunicorn:
        yield gunicorn


@pytest.fixture(params=["threads", "gunicorn"])
def door(request: pytest.FixtureRequest) -> Door:
    return request.getfixturevalue("gunicorn") if request.param == "gunicorn" else Threads()


@pytest.fixture
def person() -> Any:
    return UserFactory()
