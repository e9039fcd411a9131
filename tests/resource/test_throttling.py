"""Throttles count by what a token stands for, in REST framework and django-ninja alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.http import HttpResponse
from django.test import AsyncClient, Client
from hypothesis import given
from hypothesis import strategies as st
from ninja.throttling import SimpleRateThrottle as NinjaThrottle
from rest_framework.throttling import SimpleRateThrottle as RestThrottle

from django_oauth_server.resource.ninja_throttling import ClientRateThrottle
from django_oauth_server.resource.throttling import key_of
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import InvalidToken
from tests.resource.verifiers import KnownTokens, make_token
from tests.waiting import PATIENCE

pytestmark = pytest.mark.urls("tests.resource.throttled_urls")
FRAMEWORKS = ["rest", "ninja"]
CASES = [(framework, kind) for framework in FRAMEWORKS for kind in ("client", "user-client", "authorization")]


class Clock:
    """The time as both frameworks see it."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Named(KnownTokens):
    """A token's name says what it is: `client subject grant serial`, with dots between."""

    def verify(self, token: str) -> VerifiedToken:
        try:
            client_id, subject, grant_id, _ = token.split(".")
        except ValueError as exc:
            raise InvalidToken("unknown") from exc
        claims = {"grant_id": grant_id} if grant_id != "-" else {}
        return replace(make_token(subject=subject if subject != "-" else None), client_id=client_id, claims=claims)

    async def averify(self, token: str) -> VerifiedToken:
        return self.verify(token)


@pytest.fixture(autouse=True)
def verifier(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"verifier": Named()}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for throttle in (RestThrottle, NinjaThrottle):
        monkeypatch.setattr(throttle, "timer", staticmethod(clock))
    return clock


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache that fails whatever it is asked."""

    def fail(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    for name in ("get", "set", "add", "incr", "get_many"):
        monkeypatch.setattr(cache, name, fail, raising=False)
    yield


def call(path: str, token: str = "") -> HttpResponse:
    return Client().get(path, headers={"Authorization": f"Bearer {token}"} if token else {})


def statuses(path: str, *tokens: str) -> list[int]:
    return [call(path, token).status_code for token in tokens]


@pytest.mark.parametrize(("framework", "kind"), CASES)
def test_a_rotated_token_begins_no_new_count(framework: str, kind: str) -> None:
    assert statuses(f"/{framework}/{kind}", "app.alice.g1.1", "app.alice.g1.2", "app.alice.g1.3") == [200, 200, 429]


@pytest.mark.spec("RFC 6585", "4")
@pytest.mark.parametrize(("framework", "kind"), CASES)
def test_the_refusal_says_when_to_come_back_and_that_is_true(framework: str, kind: str, clock: Clock) -> None:
    path, token = f"/{framework}/{kind}", "app.alice.g1.1"
    call(path, token)
    clock.now += 20
    call(path, token)
    clock.now += 10.5
    refused = call(path, token)
    assert (refused.status_code, refused["Retry-After"]) == (429, "30")
    clock.now += 29
    assert statuses(path, token) == [429]
    clock.now += 1
    assert statuses(path, token, token) == [200, 429]


@pytest.mark.parametrize(
    ("kind", "another"),
    [
        ("client", "other.alice.g1.1"),
        ("user-client", "other.alice.g1.1"),
        ("user-client", "app.bob.g1.1"),
        ("user-client", "app.-.g1.1"),
        ("authorization", "app.alice.g2.1"),
        ("authorization", "app.alice.-.1"),
        ("authorization", "app.bob.-.1"),
    ],
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_others_have_a_count_of_their_own(framework: str, kind: str, another: str) -> None:
    token = "app.alice.g1.1"
    assert statuses(f"/{framework}/{kind}", token, token, another, token) == [200, 200, 200, 429]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_client_is_counted_for_all_people_together(framework: str) -> None:
    tokens = ("app.alice.g1.1", "app.bob.g2.1", "app.-.-.1")
    assert statuses(f"/{framework}/client", *tokens) == [200, 200, 429]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_a_grant_id_an_authorization_is_a_person_and_a_client(framework: str) -> None:
    path = f"/{framework}/authorization"
    assert statuses(path, "app.alice.-.1", "app.alice.-.2", "app.alice.-.3", "app.bob.-.1") == [200, 200, 429, 200]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_whoever_has_no_token_is_left_to_other_throttles(framework: str) -> None:
    assert statuses(f"/{framework}/client", "", "", "", "") == [200] * 4


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_rate_may_be_that_of_the_scope(framework: str) -> None:
    token = "app.alice.g1.1"
    assert statuses(f"/{framework}/scope", token, token, token) == [200, 200, 429]
    assert statuses(f"/{framework}/unlimited", token, token, token) == [200, 200, 200]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_burst_and_a_longer_limit_stand_side_by_side(framework: str, clock: Clock) -> None:
    path, token = f"/{framework}/both", "app.alice.g1.1"
    seen = []
    for second in range(3):
        clock.now += second and 2
        seen += statuses(path, token)
    assert seen == [200, 200, 429]
    assert call(path, token)["Retry-After"] == "56"


def test_an_async_operation_is_throttled(clock: Clock) -> None:
    async def ask() -> HttpResponse:
        return await AsyncClient().get("/ninja/async", headers={"Authorization": "Bearer app.alice.g1.1"})

    answers = [async_to_sync(ask)() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"] == "60"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_cache_that_is_down_stops_nobody_and_is_told_of_once(
    framework: str, outage: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "django_oauth_server.resource"):
        assert statuses(f"/{framework}/client", *["app.alice.g1.1"] * 4) == [200] * 4
    assert [record.getMessage() for record in caplog.records] == ["The cache 'default' cannot be reached."]


@pytest.mark.parametrize("overshot", [2, 5])
def test_requests_that_came_at_once_still_learn_when_to_come_back(overshot: int) -> None:
    throttle = ClientRateThrottle("2/m")
    throttle.now, throttle.history = 100.0, [90.0] * (overshot - 1) + [80.0]
    assert throttle.wait() == (40.0 if overshot == 2 else 50.0)


def test_a_ninja_throttle_never_mixes_the_requests_of_two_threads() -> None:
    """It is one object for all of them, and keeps the request's key in itself."""
    both_are_inside = Barrier(2)

    class Slow(ClientRateThrottle):
        def get_cache_key(self, request: Any) -> str | None:
            key = super().get_cache_key(request)
            both_are_inside.wait(PATIENCE)
            return key

    class Request:
        def __init__(self, client_id: str) -> None:
            self.auth = replace(make_token(), client_id=client_id)

    throttle = Slow("1/m")
    decide: Callable[[str], bool] = lambda client_id: throttle.allow_request(Request(client_id))  # noqa: E731
    with ThreadPoolExecutor(2) as pool:
        for expected in ([True, True], [False, False]):
            assert list(pool.map(decide, ["a", "b"])) == expected


@given(st.lists(st.none() | st.text(), max_size=4), st.lists(st.none() | st.text(), max_size=4))
def test_no_client_id_can_be_made_to_look_like_another_count(one: list[str | None], other: list[str | None]) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


def test_a_key_is_fit_for_any_cache() -> None:
    assert key_of(["client", "https://as.example", "a b\n\x00\ud800é:_" * 100]).isalnum()
    assert len(key_of(["x" * 10_000])) == 64
