"""A PostgreSQL whose standby takes its place in the middle of everything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.clients import Clients
from tests.clusters.postgresql import Standby
from tests.clusters.workers import POSTGRESQL, Gunicorn, Prepared, prepare, serve


class Pair:
    """Two machines; which of them is the primary changes."""

    def __init__(self, folder: Path) -> None:
        self.primary, self.standby = (Standby(folder / name) for name in ("one", "two"))

    def start(self) -> None:
        self.primary.make()
        self.primary.start()
        self.standby.follow(self.primary)

    def fail_over(self) -> None:
        self.primary.kill()
        self._take_over()

    def switch_over(self) -> None:
        """As an operator does it, for an update of the primary's machine."""
        self.primary.stop()
        self._take_over()

    def _take_over(self) -> None:
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self) -> None:
        self.standby.follow(self.primary)

    def stop(self) -> None:
        for one in (self.primary, self.standby):
            one.thaw()
            one.stop()


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[Pair]:
    pair = Pair(folder)
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()


def either_of(pair: Pair) -> dict[str, Any]:
    """What docs/operating.md says of workers before two machines."""
    options = {
        "target_session_attrs": "read-write",
        "connect_timeout": 3,
        "keepalives_idle": 3,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 3000,
        "options": "-c lock_timeout=3s -c statement_timeout=5s",
    }
    both = (pair.primary, pair.standby)
    where = {"HOST": ",".join(one.host for one in both), "PORT": ",".join(str(one.port) for one in both)}
    return POSTGRESQL | where | {"OPTIONS": options}


@pytest.fixture(scope="module")
def prepared(pair: Pair) -> Prepared:
    return prepare(either_of(pair))


@pytest.fixture(scope="module")
def places(pair: Pair, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Gunicorn]]:
    with serve(tmp_path_factory.mktemp("workers"), either_of(pair), prepared) as gunicorn:
        yield [gunicorn]


@pytest.mark.parametrize("how", ["fail_over", "switch_over"])
def test_a_standby_that_takes_over_knows_all_that_was_answered(
    pair: Pair, places: list[Gunicorn], prepared: Prepared, how: str
) -> None:
    with Clients(places, prepared) as clients:
        for _ in range(2):
            clients.until_all_is_well()
            time.sleep(2)
            getattr(pair, how)()
            clients.until_all_is_well()
            pair.rejoin()
    assert not clients.wrong, clients.wrong[:10]
    assert clients.answers["503"], "the change was felt"


def test_a_standby_that_cannot_take_over_is_no_primary(pair: Pair, places: list[Gunicorn], prepared: Prepared) -> None:
    """Until it is promoted, nobody is told what is true there."""
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        pair.primary.kill()
        time.sleep(3)
        before = clients.counts["introspected"]
        time.sleep(3)
        assert clients.counts["introspected"] == before
        pair._take_over()
        clients.until_all_is_well()
        pair.rejoin()
    assert not clients.wrong, clients.wrong[:10]
