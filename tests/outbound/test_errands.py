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

PATIENCE = 10.0


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
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as threads:
        yield threads


def silent(until: Event, key: str = "key", client: str = "") -> Errand[None]:
    def ask() -> None:
        until.wait(PATIENCE)
        raise Unreachable("no answer")

    return Errand(key, client or f"client of {key}", ask)


def outcomes(asked: list[Future[None]]) -> tuple[int, int]:
    """How many were told at once, and how many wait."""
    time.sleep(errands._BRIEFLY + 0.7)
    told = [one for one in asked if one.done()]
    assert all(isinstance(one.exception(), Crowded) for one in told)
    return len(told), len(asked) - len(told)


def test_two_wait_for_one_address_and_the_others_are_told(silence: Event, crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, silent(silence), PATIENCE) for _ in range(20)]
    assert outcomes(asked) == (18, 2)
    silence.set()


def test_four_wait_for_all_addresses_together(silence: Event, crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, silent(silence, f"key {number % 10}"), PATIENCE) for number in range(40)]
    assert outcomes(asked) == (36, 4)
    silence.set()


def test_nobody_waits_for_an_address_that_is_known_to_be_silent(
    silence: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "_SILENT_AFTER", 0.1)
    for _ in range(3):
        with pytest.raises((Crowded, Unreachable)):
            run(silent(silence), 0.2)
    silence.set()
    time.sleep(0.3)
    silence.clear()
    began = time.monotonic()
    with pytest.raises(Crowded, match="did not answer of late"):
        run(silent(silence), PATIENCE)
    assert time.monotonic() - began < 0.2


def test_an_address_that_answers_again_is_waited_for_again(silence: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "_SILENT_AFTER", 0.0)
    silence.set()
    with pytest.raises(Unreachable):
        run(silent(silence), PATIENCE)
    good = Errand("key", "client", lambda: "answer")
    with pytest.raises(Crowded):
        run(Errand("key", "client", lambda: (time.sleep(0.1), "answer")[1]), PATIENCE)
    time.sleep(0.5)
    assert run(good, PATIENCE) == "answer"


def test_a_crowd_is_served_by_an_address_that_answers(crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, Errand("key", "client", lambda: "answer"), PATIENCE) for _ in range(50)]
    assert {one.result() for one in asked} == {"answer"}


def test_one_client_has_no_more_than_two_questions_under_way(silence: Event, crowd: ThreadPoolExecutor) -> None:
    asked = [crowd.submit(run, silent(silence, f"key {number}", "one"), PATIENCE) for number in range(10)]
    outcomes(asked)
    assert run(Errand("other", "another", lambda: "answer"), PATIENCE) == "answer"
    with pytest.raises(Crowded, match="too long"):
        run(silent(silence, "yet another", "one"), PATIENCE)
    silence.set()


def test_what_a_clients_addresses_cost_is_counted_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    passed, real = 0.0, time.monotonic

    def slowly() -> str:
        nonlocal passed
        passed += 5
        return "answer"

    monkeypatch.setattr(errands, "monotonic", lambda: real() + passed)
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


def start(crowd: ThreadPoolExecutor, names: Lookups, hosts: list[str]) -> None:
    for host in hosts:
        crowd.submit(names.find, host, 443, PATIENCE)
    time.sleep(0.5)


def hosts_of(pattern: Callable[[int], str]) -> list[str]:
    return [pattern(number) for number in range(60)]


def test_names_that_never_answer_hold_up_no_other(names: Lookups, crowd: ThreadPoolExecutor, silence: Event) -> None:
    start(crowd, names, ["slow.example"] * 20)
    assert names.find("client.test", 443, 1) == ["203.0.114.1"]
    silence.set()


def test_one_domain_has_not_all_the_look_ups(names: Lookups, crowd: ThreadPoolExecutor, silence: Event) -> None:
    start(crowd, names, hosts_of(lambda number: f"{number}.slow.example"))
    assert len(names._under_way) == 4
    assert names.find("client.test", 443, 1) == ["203.0.114.1"]
    silence.set()


def test_names_that_answered_before_are_looked_up_whatever_others_do(
    names: Lookups, crowd: ThreadPoolExecutor, silence: Event
) -> None:
    assert names.find("client.test", 443, 1) == ["203.0.114.1"]
    start(crowd, names, hosts_of(lambda number: f"slow.{number}.example{number}"))
    with pytest.raises(Unreachable):
        names.find("another.test", 443, 1)
    assert names.find("client.test", 443, 1) == ["203.0.114.1"]
    silence.set()
