"""Three nodes of a Galera cluster, each with workers of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.cookies import SimpleCookie
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.clusters.clients import Clients
from tests.clusters.galera import Galera
from tests.clusters.processes import until
from tests.clusters.workers import MARIADB, Gunicorn, Prepared, prepare, serve
from tests.flow import Flow
from tests.races.doors import HttpBrowser, at_once

ROUNDS = int(os.environ.get("RACE_ROUNDS", "60"))


@pytest.fixture(scope="module")
def galera() -> Iterator[Galera]:
    with TemporaryDirectory(prefix="galera-") as folder:
        cluster = Galera(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def at(node: Any) -> dict[str, Any]:
    """What docs/operating.md says of a worker beside *node*."""
    options = {
        "connect_timeout": 3,
        "read_timeout": 10,
        "write_timeout": 10,
        "init_command": "SET SESSION wsrep_sync_wait = 7, innodb_lock_wait_timeout = 3, max_statement_time = 5",
    }
    return MARIADB | {"PORT": node.port, "OPTIONS": options}


@pytest.fixture(scope="module")
def prepared(galera: Galera) -> Prepared:
    return prepare(at(galera.nodes[0]))


@pytest.fixture(scope="module")
def places(galera: Galera, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Gunicorn]]:
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        yield [stack.enter_context(serve(folder, at(node), prepared, workers=1)) for node in galera.nodes]


def walk(place: Gunicorn, client: Any, session: str = "") -> Flow:
    flow = Flow(client, HttpBrowser(place.port, SimpleCookie({"sessionid": session})))
    flow.server = HttpBrowser(place.port, SimpleCookie())
    return flow


def test_a_replay_beside_a_revocation_on_another_node_leaves_nothing_that_lives(
    places: list[Gunicorn], prepared: Prepared
) -> None:
    client, api = prepared.clients["public"], prepared.clients["api"]
    living = 0
    for number in range(ROUNDS):
        flow = walk(places[number % 3], client, prepared.sessions[number % len(prepared.sessions)])
        first = flow.tokens()
        second = flow.refresh(first["refresh_token"]).json()
        here, there = places[(number + 1) % 3], places[(number + 2) % 3]
        narrower = {"scope": "notes:read"}
        *answers, _ = at_once(
            *[partial(walk(here, client).refresh, first["refresh_token"], **narrower)] * 2,
            *[partial(walk(there, client).refresh, first["refresh_token"], **narrower)] * 2,
            partial(walk(here, client).revoke, second["refresh_token"]),
        )
        given = [first, second, *(answer.json() for answer in answers if answer.status_code == 200)]
        living += sum(walk(here, api).is_active(one["access_token"]) for one in given)
    assert living == 0


def test_clients_that_roam_lose_nothing_while_a_node_is_killed_and_comes_back(
    places: list[Gunicorn], prepared: Prepared, galera: Galera
) -> None:
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        galera.nodes[1].kill()
        assert places[1].status("/oauth/health") == 503
        clients.counts["seconds until all was well"] += round(clients.until_all_is_well())
        time.sleep(3)
        galera.rejoin(galera.nodes[1])
        galera.until_whole()
        until(lambda: places[1].status("/oauth/health") == 200, "the node is in service again")
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]


def test_nor_while_one_stands_still_and_goes_on(places: list[Gunicorn], prepared: Prepared, galera: Galera) -> None:
    """What it knew when it stood still is no longer so when it goes on."""
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        galera.nodes[2].freeze()
        time.sleep(7)
        galera.nodes[2].thaw()
        galera.until_whole()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]


def test_nor_while_the_majority_is_away(places: list[Gunicorn], prepared: Prepared, galera: Galera) -> None:
    """The node that is left knows that it may be wrong, and answers nothing."""
    first, *others = galera.nodes
    with Clients(places, prepared) as clients:
        clients.until_all_is_well()
        for node in others:
            node.kill()
        until(lambda: first.status("wsrep_cluster_status") == "non-Primary", "the node that is left knows it")
        assert [place.status("/oauth/health") for place in places] == [503] * 3
        first.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
        clients.until_all_is_well()
        for node in others:
            galera.rejoin(node)
        galera.until_whole()
        clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]


def test_nor_while_workers_are_killed(places: list[Gunicorn], prepared: Prepared) -> None:
    with Clients(places, prepared) as clients:
        for place in places * 2:
            place.kill_a_worker()
            clients.until_all_is_well()
    assert not clients.wrong, clients.wrong[:10]
