"""How long each endpoint takes to say that the database is away, and that it recovers by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clusters.endpoints import ALWAYS, requests_to
from tests.clusters.postgresql import Elsewhere, PostgreSQL
from tests.clusters.processes import until
from tests.clusters.workers import POSTGRESQL, Gunicorn, Prepared, prepare, serve
from tests.races.doors import HttpAnswer

OPTIONS = {
    "connect_timeout": 3,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 3000,
    "options": "-c lock_timeout=3s -c statement_timeout=5s",
}
"""As in docs/operating.md."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    away = Elsewhere()
    yield away
    away.remove()


@pytest.fixture(scope="module")
def postgresql(folder: Path, elsewhere: Elsewhere) -> Iterator[PostgreSQL]:
    database = PostgreSQL(folder / "postgresql", elsewhere.there, elsewhere.within)
    database.make()
    database.start()
    try:
        yield database
    finally:
        database.stop()


@pytest.fixture(scope="module")
def prepared(postgresql: PostgreSQL) -> Prepared:
    return prepare(_settings(postgresql))


@pytest.fixture(scope="module")
def place(postgresql: PostgreSQL, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with serve(tmp_path_factory.mktemp("workers"), _settings(postgresql), prepared, workers=1) as gunicorn:
        yield gunicorn


def _settings(postgresql: PostgreSQL) -> dict[str, object]:
    return POSTGRESQL | {"HOST": postgresql.host, "PORT": postgresql.port, "OPTIONS": OPTIONS}


def ask_all(requests: dict[str, Callable[[], HttpAnswer]]) -> dict[str, tuple[HttpAnswer, float]]:
    """All at once, and how long each took."""

    def ask(request: Callable[[], HttpAnswer]) -> tuple[HttpAnswer, float]:
        began = time.monotonic()
        return request(), time.monotonic() - began

    with ThreadPoolExecutor(len(requests)) as threads:
        return dict(zip(requests, threads.map(ask, requests.values()), strict=True))


def is_told_to_come_again(answer: HttpAnswer) -> bool:
    if answer.status_code == 303:  # the app is told
        return "error=temporarily_unavailable" in answer["Location"]
    return answer.status_code == 503 and "Retry-After" in answer.headers


def judge(answers: dict[str, tuple[HttpAnswer, float]], within: float) -> None:
    print({name: (answer.status_code, round(took, 1)) for name, (answer, took) in answers.items()})
    wrong = {
        name: (answer.status_code, took)
        for name, (answer, took) in answers.items()
        if took > within or not (answer.status_code == 200 if name in ALWAYS else is_told_to_come_again(answer))
    }
    assert not wrong


def all_is_well(place: Gunicorn, prepared: Prepared, session: str) -> None:
    until(lambda: place.status("/oauth/health") == 200, "it recovers")
    answers = ask_all(requests_to(place, prepared, session))
    wrong = {name: answer.content for name, (answer, _) in answers.items() if answer.status_code >= 500}
    assert not wrong


def test_where_nobody_listens_each_endpoint_says_so_at_once(
    place: Gunicorn, prepared: Prepared, postgresql: PostgreSQL
) -> None:
    requests = requests_to(place, prepared, prepared.sessions[0])
    postgresql.kill()
    judge(ask_all(requests), within=3)
    postgresql.start()
    all_is_well(place, prepared, prepared.sessions[0])


def test_where_packets_vanish_it_takes_no_longer_than_is_set(
    place: Gunicorn, prepared: Prepared, elsewhere: Elsewhere
) -> None:
    """First on connections that are open, which are found dead and replaced in vain, then on new ones."""
    requests = requests_to(place, prepared, prepared.sessions[1])
    ask_all(requests_to(place, prepared, prepared.sessions[2]))  # most threads have a connection
    elsewhere.pull_the_cable()
    judge(ask_all(requests), within=9)
    judge(ask_all(requests), within=5)
    elsewhere.put_it_back()
    all_is_well(place, prepared, prepared.sessions[3])


def test_where_a_table_is_locked_it_takes_no_longer_than_is_set(
    place: Gunicorn, prepared: Prepared, postgresql: PostgreSQL
) -> None:
    """As by a migration that rewrites it: a lock is another writer's, for which an endpoint waits ten seconds and one more attempt."""
    requests = requests_to(place, prepared, prepared.sessions[4])
    token = {name: requests[name] for name in ("code", "refresh", "introspect", "revoke", "protected view")}
    with ThreadPoolExecutor(1) as thread:
        hold = "BEGIN; LOCK TABLE django_oauth_server_token; SELECT pg_sleep(20)"
        locked = thread.submit(postgresql.sql, hold)
        time.sleep(1)
        judge(ask_all(token), within=16)
        locked.result()
    all_is_well(place, prepared, prepared.sessions[5])
