"""Addresses that never answer: they hold few of the threads that serve requests, and none of other clients' questions."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from django_oauth_server import outbound
from django_oauth_server.outbound import Crowded, Errand, Unreachable, errands, run
from django_oauth_server.outbound.lookups import Lookups
from tests.waiting import PATIENCE, until


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    outbound.forget()
    yield
    outbound.forget()


@pytest.fixture
def silence() -> Iterator[Event]:
    """Lasts until it is set."""
    until = Event()
    yield until
    until.set()


@pytest.fixture
def crowd(silence: Event) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as threads:
        yield threads
        silence.set()


def silent(until: Event, key: str = "key", client: str = "") -> Errand[None]:
    def ask() -> None:
        until.wait(PATIENCE)
        raise Unreachable("no answer")

    return Errand(key, client or f"client of {key}", ask)


def outcomes(asked: list[Future[None]], waiting: int) -> tuple[int, int]:
    """How many were told, and how many wait: once there are no more than *waiting*, and a moment later."""
    until(lambda: sum(one.done() for one in asked) >= len(asked) - waiting)
    time.sleep(0.2)
    told = [one for one in asked if one.done()]
    assert all(isinstance(one.exception(), Crowded) for one in told)
    return len(told), len(asked) - len(told)


def test_two_wait_for_one_address_and_the_others_are_told(silence: Event, crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, silent(silence), PATIENCE) for _ in range(20)]
    assert outcomes(asked, 2) == (18, 2)
    silence.set()


def test_four_wait_for_all_addresses_together(silence: Event, crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, silent(silence, f"key {number % 10}"), PATIENCE) for number in range(40)]
    assert outcomes(asked, 4) == (36, 4)
    silence.set()


def test_nobody_waits_for_an_address_that_is_known_to_be_silent(
    silence: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "_SILENT_AFTER", 0.1)
    for _ in range(3):
        with pytest.raises((Crowded, Unreachable)):
            run(silent(silence), 0.2)
    silence.set()
    until(lambda: not errands.is_under_way("key"))
    silence.clear()
    with pytest.raises(Crowded, match="did not answer of late"):
        run(silent(silence), PATIENCE)
    assert errands.is_under_way("key"), "it is asked behind their backs"


def test_an_address_that_answers_again_is_waited_for_again(silence: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "_SILENT_AFTER", 0.0)
    silence.set()
    with pytest.raises(Unreachable):
        run(silent(silence), PATIENCE)
    until(lambda: not errands.is_under_way("key"))
    silence.clear()
    with pytest.raises(Crowded):
        run(Errand("key", "client", lambda: (silence.wait(PATIENCE), "answer")[1]), PATIENCE)
    silence.set()
    until(lambda: not errands.is_under_way("key"))
    assert run(Errand("key", "client", lambda: "answer"), PATIENCE) == "answer"


def test_a_crowd_is_served_by_an_address_that_answers(
    crowd: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "_BRIEFLY", PATIENCE)  # however busy this machine is
    outbound.forget()
    asked = [crowd.submit(run, Errand("key", "client", lambda: "answer"), PATIENCE) for _ in range(50)]
    assert {one.result() for one in asked} == {"answer"}


def test_one_client_has_no_more_than_two_questions_under_way(silence: Event, crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, silent(silence, f"key {number}", "one"), PATIENCE) for number in range(10)]
    outcomes(asked, 2)
    assert run(Errand("other", "another", lambda: "answer"), PATIENCE) == "answer"
    with pytest.raises(Crowded, match="too long"):
        run(silent(silence, "yet another", "one"), PATIENCE)
    silence.set()


def test_what_a_clients_addresses_cost_is_counted_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0

    def slowly() -> str:
        nonlocal passed
        passed += 5
        return "answer"

    monkeypatch.setattr(errands, "monotonic", lambda: passed)
    for number in range(8):
        assert run(Errand(f"key {number}", "one", slowly), PATIENCE) == "answer"
    with pytest.raises(Crowded):
        run(Errand("key", "one", slowly), PATIENCE)
    assert run(Errand("key", "another", slowly), PATIENCE) == "answer"
    passed += 30
    assert run(Errand("key", "one", slowly), PATIENCE) == "answer"


# -- names ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, silence: Event) -> Lookups:
    """Those under slow.* never answer; all others do."""

    def look_up(host: str, port: int, **kwargs: Any) -> list[Any]:
        if "slow" in host:
            silence.wait(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.114.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return Lookups()


def start(crowd: ThreadPoolExecutor, names: Lookups, hosts: list[str], most: int) -> None:
    """Ask for *hosts*, of which *most* are looked up. The others are told."""
    asked = [crowd.submit(names.find, host, 443, PATIENCE) for host in hosts]
    until(lambda: sum(one.done() for one in asked) >= len(hosts) - most and len(names._under_way) == most)


def hosts_of(pattern: Callable[[int], str]) -> list[str]:
    return [pattern(number) for number in range(60)]


def test_names_that_never_answer_hold_up_no_other(names: Lookups, crowd: ThreadPoolExecutor, silence: Event) -> None:
    asked = [crowd.submit(names.find, "slow.example", 443, PATIENCE) for _ in range(20)]
    until(lambda: names._under_way)
    assert names.find("client.test", 443, PATIENCE) == ["203.0.114.1"]
    assert not any(one.done() for one in asked)
    silence.set()


def test_one_domain_has_not_all_the_look_ups(names: Lookups, crowd: ThreadPoolExecutor, silence: Event) -> None:
    start(crowd, names, hosts_of(lambda number: f"{number}.slow.example"), 4)
    assert names.find("client.test", 443, PATIENCE) == ["203.0.114.1"]
    silence.set()


def test_names_that_answered_before_are_looked_up_whatever_others_do(
    names: Lookups, crowd: ThreadPoolExecutor, silence: Event
) -> None:
    assert names.find("client.test", 443, PATIENCE) == ["203.0.114.1"]
    start(crowd, names, hosts_of(lambda number: f"slow.{number}.example{number}"), 24)
    with pytest.raises(Unreachable):
        names.find("another.test", 443, PATIENCE)
    assert names.find("client.test", 443, PATIENCE) == ["203.0.114.1"]
    silence.set()
