"""Who fails too often waits; who proves what they claim never does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf.loader import load
from django_oauth_server.models import Token
from django_oauth_server.protocol.addresses import source
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.opaque import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, generate
from tests.factories import ClientFactory
from tests.flow import INTROSPECT, REVOKE, TOKEN, VERIFIER, Flow, told

pytestmark = pytest.mark.django_db

CHOSEN = "correct horse battery staple"
WRONG = generate(CLIENT_SECRET)
HERE, ELSEWHERE = "198.51.100.1", "203.0.113.9"
FEW = {
    "client_authentication": "3/m",
    "client_authentication_by_address": "6/m",
    "redemption": "2/m",
    "introspection": "2/m",
    "revocation": "2/m",
}


class Clock:
    """The time as the server sees it, ten seconds into a minute."""

    def __init__(self) -> None:
        self.now = timezone.now().replace(second=10, microsecond=500_000)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _windows_begin_with_the_test() -> None:
    """They are where the clock of these tests says."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": FEW}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the cache is asked from now on."""
    made: list[str] = []

    def note(name: str) -> None:
        ask: Callable[..., object] = getattr(cache, name)
        monkeypatch.setattr(
            cache, name, lambda *args, **more: (made.append(name), ask(*args, **more))[1], raising=False
        )

    for name in ("get", "get_many", "set", "add", "incr"):
        note(name)
    return made


def machine(**more: Any) -> Any:
    return ClientFactory(**({"metadata__grant_types": ["client_credentials"]} | more))


def send(path: str, client: Any, secret: str, address: str = HERE, *, headers: Any = None, **params: str) -> Any:
    headers = {"Authorization": format_basic(client if isinstance(client, str) else client.client_id, secret)} | (
        headers or {}
    )
    form = "application/x-www-form-urlencoded"
    return Browser(REMOTE_ADDR=address).post(path, urlencode(params), content_type=form, headers=headers)


def ask(client: Any, secret: str, address: str = HERE, **more: Any) -> HttpResponse:
    return send(TOKEN, client, secret, address, grant_type="client_credentials", scope="notes:read", **more)


def statuses(client: Any, *secrets: str, address: str = HERE, **more: Any) -> list[int]:
    return [ask(client, secret, address, **more).status_code for secret in secrets]


# -- The answer --------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6585", "4")
def test_the_refusal_is_one_that_clients_of_oauth_can_read() -> None:
    client = machine()
    statuses(client, WRONG, WRONG, WRONG)
    refused = ask(client, WRONG)
    assert refused.status_code == 429
    assert told(refused) == {
        "error": "temporarily_unavailable",
        "error_description": "Too many requests. Try again later.",
    }
    assert refused["Retry-After"] == "50"
    assert refused["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in refused


def test_an_app_in_a_browser_can_read_when_to_come_back() -> None:
    client = machine()
    statuses(client, WRONG, WRONG, WRONG)
    refused = ask(client, WRONG)
    assert refused["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in refused["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", [TOKEN, REVOKE, INTROSPECT])
def test_failures_at_every_endpoint_are_counted_together(path: str) -> None:
    client = machine()
    for at in (TOKEN, REVOKE, INTROSPECT):
        assert send(at, client, WRONG, token="x", grant_type="client_credentials").status_code == 401
    assert send(path, client, WRONG, token="x", grant_type="client_credentials").status_code == 429


def test_after_the_time_that_was_named_failing_is_a_401_again(clock: Clock) -> None:
    client = machine()
    assert statuses(client, *[WRONG] * 4) == [401, 401, 401, 429]
    clock.tick(49)
    assert (ask(client, WRONG).status_code, ask(client, WRONG)["Retry-After"]) == (429, "1")
    clock.tick(1)
    assert statuses(client, *[WRONG] * 4) == [401, 401, 401, 429]


# -- Nobody is locked out ----------------------------------------------------------------------------------------------


def test_a_client_with_a_secret_made_here_is_never_held_back() -> None:
    """Not even from the address of whoever fails, which behind a proxy may be everybody's."""
    client = machine()
    assert statuses(client, *[WRONG] * 8)[3:] == [429] * 5
    assert statuses(client, client.secret, client.secret) == [200, 200]


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_a_chosen_secret_is_not_looked_at_after_too_many_guesses(clock: Clock) -> None:
    client = machine(secret=CHOSEN)
    assert statuses(client, "a", "b", "c", CHOSEN) == [401, 401, 401, 429]
    clock.tick(50)
    assert statuses(client, CHOSEN) == [200]


def test_guesses_from_one_address_stop_nobody_at_another() -> None:
    client = machine(secret=CHOSEN)
    assert statuses(client, "a", "b", "c", "d") == [401, 401, 401, 429]
    assert statuses(client, CHOSEN, address=ELSEWHERE) == [200]


def test_guesses_at_one_client_stop_no_other() -> None:
    client, other = machine(secret=CHOSEN), machine(secret=CHOSEN)
    statuses(client, "a", "b", "c", "d")
    assert statuses(other, CHOSEN) == [200]


def test_a_chosen_secret_cannot_be_guessed_behind_a_flood_of_other_clients() -> None:
    client = machine(secret=CHOSEN)
    for number in range(7):
        ask(f"nobody-{number}", WRONG)
    assert statuses(client, CHOSEN) == [429]
    assert statuses(client, CHOSEN, address=ELSEWHERE) == [200]


def test_nobody_is_told_which_clients_there_are() -> None:
    known = statuses(machine(), *[WRONG] * 4)
    assert statuses("nobody", *[WRONG] * 4, address=ELSEWHERE) == known


def test_an_address_that_tries_client_ids_waits_too(asked: list[str]) -> None:
    assert [ask(f"nobody-{number}", WRONG).status_code for number in range(8)] == [401] * 6 + [429] * 2
    del asked[:]
    ask("nobody-9", WRONG)
    assert asked.count("add") == 1  # nothing is kept of this client id


# -- Where a request comes from ----------------------------------------------------------------------------------------


def test_an_ipv6_network_is_one_sender() -> None:
    client = machine()
    for host in (":1", "1::", "ffff:ffff:ffff:ffff"):
        assert statuses(client, WRONG, address=f"2001:db8:0:1:{host}") == [401]
    assert statuses(client, WRONG, address="2001:db8:0:1::4") == [429]
    assert statuses(client, WRONG, address="2001:db8:0:2::4") == [401]


def test_a_forwarded_address_is_believed_of_nobody() -> None:
    client = machine()
    sent = [statuses(client, WRONG, headers={"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(4)]
    assert sent == [[401], [401], [401], [429]]


def test_a_forwarded_address_is_believed_of_a_trusted_proxy(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_proxies": 1}
    client = machine()
    for number in range(4):
        statuses(client, WRONG, headers={"X-Forwarded-For": f"192.0.2.{number}, {HERE}"}, address="10.0.0.1")
    assert statuses(client, WRONG, headers={"X-Forwarded-For": HERE}, address="10.0.0.2") == [429]
    assert statuses(client, WRONG, headers={"X-Forwarded-For": ELSEWHERE}, address="10.0.0.1") == [401]


@pytest.mark.parametrize(
    ("remote", "forwarded_for", "proxies", "found"),
    [
        ("192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.1", 0, "192.0.2.1"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.1", 1, "203.0.113.1"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.1, 10.0.0.2", 2, "203.0.113.1"),
        ("10.0.0.1", "203.0.113.1", 5, "203.0.113.1"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("", "203.0.113.1:4711", 1, "203.0.113.1"),
        ("", "[2001:db8::1]:4711", 1, "2001:db8::"),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
        ("fe80::1%eth0", "", 0, "fe80::"),
        ("", "", 0, ""),
        ("", "unknown", 1, "unknown"),
    ],
)
def test_the_sender(remote: str, forwarded_for: str, proxies: int, found: str) -> None:
    assert source(remote, forwarded_for, proxies) == found


# -- What is asked in vain ---------------------------------------------------------------------------------------------


def test_codes_that_prove_nothing_are_counted_and_a_good_one_is_always_answered(flow: Flow) -> None:
    code = flow.code()
    assert [flow.exchange("unknown").status_code for _ in range(4)] == [400, 400, 429, 429]
    assert flow.exchange("unknown")["Retry-After"] == "50"
    assert flow.exchange(code).status_code == 200


def test_refresh_tokens_that_prove_nothing_are_counted_with_them(flow: Flow, clock: Clock) -> None:
    bought = flow.tokens()["refresh_token"]
    flow.exchange("unknown")
    unknown = generate(REFRESH_TOKEN)
    assert [flow.refresh(unknown).status_code for _ in range(2)] == [400, 429]
    assert flow.refresh(bought).status_code == 200
    clock.tick(50)
    assert flow.refresh(unknown).status_code == 400


@pytest.mark.spec("OAuth 2.1", "7.5.2")
def test_a_replay_takes_back_what_it_bought_however_many_there_were(flow: Flow) -> None:
    code = flow.code()
    token = flow.exchange(code).json()["access_token"]
    for _ in range(3):
        flow.exchange("unknown")
    assert flow.exchange(code).status_code == 429
    assert not flow.is_active(token)


def test_a_public_clients_failures_stop_nobody_who_has_a_code(browser: Browser) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    code = flow.code()
    assert [flow.exchange("unknown").status_code for _ in range(3)] == [400, 400, 429]
    assert flow.exchange(code, code_verifier="x" * 43).status_code == 429
    assert flow.exchange(code, code_verifier=VERIFIER).status_code == 200


@pytest.mark.spec("RFC 7662", "4")
def test_looking_into_unknown_tokens_is_counted_and_into_known_ones_is_not(flow: Flow) -> None:
    token, client = flow.tokens()["access_token"], flow.client
    unknown = [send(INTROSPECT, client, client.secret, token=generate(ACCESS_TOKEN)) for _ in range(3)]
    assert [answer.status_code for answer in unknown] == [200, 200, 429]
    assert "Access-Control-Allow-Origin" not in unknown[2]
    assert [send(INTROSPECT, client, client.secret, token=token).json()["active"] for _ in range(4)] == [True] * 4


@pytest.mark.spec("RFC 7009", "5")
def test_giving_back_unknown_tokens_is_counted_and_known_ones_is_not(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    assert [flow.revoke(generate(ACCESS_TOKEN)).status_code for _ in range(3)] == [200, 200, 429]
    assert flow.revoke(token).status_code == 200
    assert Token.objects.get(kind=Token.Kind.ACCESS).revoked_at


# -- What it costs -----------------------------------------------------------------------------------------------------


def test_who_succeeds_asks_the_cache_nothing(flow: Flow, asked: list[str]) -> None:
    flow.tokens()  # the client is remembered from then on
    code = flow.code()
    del asked[:]
    bought = flow.exchange(code).json()
    bought = flow.refresh(bought["refresh_token"]).json()
    assert flow.is_active(bought["access_token"])
    assert flow.revoke(bought["access_token"]).status_code == 200
    assert asked == []


def test_a_chosen_secret_costs_one_question(asked: list[str]) -> None:
    client = machine(secret=CHOSEN)
    assert statuses(client, CHOSEN) == [200]  # the client is remembered from then on
    del asked[:]
    assert statuses(client, CHOSEN) == [200]
    assert asked == ["get"]


def test_a_limit_that_looks_back_longer_than_that_of_the_address_is_asked_all_the_same(
    settings: Any, clock: Clock
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": FEW | {"client_authentication": "3/d"}}
    clock.now = clock.now.replace(hour=12)
    client = machine(secret=CHOSEN)
    statuses(client, WRONG, WRONG, WRONG)
    clock.tick(60)
    assert statuses(client, CHOSEN) == [429]


# -- While the cache is away ---------------------------------------------------------------------------------------------


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    def begin() -> None:
        for name in ("get", "set", "add", "incr", "get_many"):
            monkeypatch.setattr(cache, name, fail, raising=False)

    return begin


def test_a_cache_that_is_down_is_told_of_once_a_minute(
    outage: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    outage()
    with caplog.at_level(logging.ERROR, "django_oauth_server.resource"):
        statuses(machine(), *[WRONG] * 5)
    assert len([record for record in caplog.records if "cannot be reached" in record.getMessage()]) == 1


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_a_chosen_secret_cannot_be_guessed_for_ever_while_the_cache_is_down(
    outage: Callable[[], None], clock: Clock
) -> None:
    chosen, client = machine(secret=CHOSEN), machine()
    outage()
    assert statuses(chosen, *["wrong"] * 4, CHOSEN) == [401] * 3 + [429] * 2
    assert statuses(chosen, CHOSEN, address=ELSEWHERE) == [200]
    assert statuses(client, client.secret) == [200]
    clock.tick(60)
    assert statuses(chosen, CHOSEN) == [200]


_SILENT = {"add": False, "get": None, "get_many": {}, "incr": ValueError("no such key")}
_DUMMY = {"add": True, "get": None, "get_many": {}}
_GARBAGE = {"add": False, "get": "words", "get_many": "words", "incr": "words"}


@pytest.mark.spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize("answers", [_SILENT, _DUMMY, _GARBAGE], ids=["silent", "dummy", "garbage"])
def test_nor_while_it_is_down_without_a_word_or_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, answers: dict[str, Any]
) -> None:
    chosen = machine(secret=CHOSEN)
    for name, answer in answers.items():
        monkeypatch.setattr(cache, name, Mock(side_effect=[answer] * 99), raising=False)
    assert statuses(chosen, *["wrong"] * 4, CHOSEN) == [401] * 3 + [429] * 2


def test_who_clears_a_cache_that_works_begins_anew() -> None:
    client = machine()
    assert statuses(client, *[WRONG] * 4) == [401, 401, 401, 429]
    cache.clear()
    assert statuses(client, *[WRONG] * 4) == [401, 401, 401, 429]


def test_whatever_else_fails_is_bounded_while_the_cache_is_down(flow: Flow, outage: Callable[[], None]) -> None:
    outage()
    assert [flow.exchange("made-up").status_code for _ in range(4)] == [400, 400, 429, 429]
    assert flow.exchange(flow.code()).status_code == 200


@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
def test_clients_get_their_tokens_while_the_cache_is_down(outage: Callable[[], None], format: str) -> None:
    client = machine(access_token_format=format)
    assert statuses(client, client.secret) == [200]
    outage()
    assert statuses(client, client.secret, client.secret, client.secret) == [200] * 3


def test_nothing_that_was_sent_is_in_the_cache() -> None:
    client = machine(client_id="the-client", secret=CHOSEN)
    statuses(client, "a guess", "a guess")
    kept = " ".join(map(str, cache._cache.keys()))
    assert "failures" in kept
    assert not any(sent in kept for sent in ("the-client", "a guess", HERE))


# -- Settings ----------------------------------------------------------------------------------------------------------


def test_two_issuers_count_apart(settings: Any) -> None:
    issuers = [
        {"issuer": issuer, "scopes": {"notes:read": "see your notes"}, "throttles": FEW}
        for issuer in ("https://as.example", "https://as.example/second")
    ]
    import_module(settings.ROOT_URLCONF)  # other tests' URLs are made once, and have one issuer
    settings.OAUTH_SERVER, settings.ROOT_URLCONF = issuers, "tests.audit.two_issuers"
    one, two = machine(client_id="same"), machine(client_id="same", issuer=issuers[1]["issuer"], secret=CHOSEN)
    assert statuses(one, *[WRONG] * 4) == [401, 401, 401, 429]
    answer = send("/second" + TOKEN, two, CHOSEN, grant_type="client_credentials", scope="notes:read")
    assert answer.status_code == 200


def test_a_limit_can_be_switched_off(settings: Any) -> None:
    off = dict.fromkeys(FEW, None)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": off}
    assert statuses(machine(), *[WRONG] * 8) == [401] * 8
    assert statuses(machine(secret=CHOSEN), *["a"] * 8, CHOSEN) == [401] * 8 + [200]


def test_what_is_not_named_keeps_its_default(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"redemption": None}}
    throttles = load()[0].throttles
    assert (throttles["redemption"], throttles["client_authentication"]) == (None, "20/m")


@pytest.mark.parametrize(
    "wrong",
    [
        {"throttles": {"redemptions": "1/m"}},
        {"throttles": {"redemption": "often"}},
        {"throttles": {"redemption": 20}},
        {"throttles": {"redemption": "20/w"}},
        {"trusted_proxies": -1},
        {"trusted_proxies": "1"},
    ],
)
def test_a_mistake_in_the_settings_is_told(settings: Any, wrong: dict[str, Any]) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | wrong
    with pytest.raises(ImproperlyConfigured, match=next(iter(wrong))):
        load()
