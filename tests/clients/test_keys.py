"""The keys that clients publish (`jwks_uri`): as fresh as they must be, asked for as seldom as that allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.clients import keys
from django_oauth_server.clients.keys import BOUNDS, client_keys
from django_oauth_server.outbound import Unreachable
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.registry import default_issuer
from tests.assertions import KEY, assertion, claims_for, jwks, key_client, proof, signed
from tests.flow import Flow
from tests.outbound.server import WebServer, as_json
from tests.waiting import HELD, PATIENCE, SOON, until

pytestmark = pytest.mark.django_db

LONGEST_KEPT, PAUSE, STALE_FOR = BOUNDS.longest, BOUNDS.pause, BOUNDS.stale
NEXT = SigningKeyPair.generate("ES256")
Later = Callable[[float], None]


@pytest.fixture
def server(certificate: Path, settings: Any) -> Iterator[WebServer]:
    """Publishes the client's key."""
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "outbound_private_hosts": [f"127.0.0.1:{server.port}"],
        "outbound_ca_bundle": str(certificate),
    }
    server.pages["/jwks"] = as_json(jwks(KEY))
    yield server
    server.stop()


@pytest.fixture
def client(server: WebServer) -> Any:
    return key_client(metadata__jwks=None, metadata__jwks_uri=server.url("/jwks"))


def status(client: Any, pair: SigningKeyPair = KEY, jwt: str = "") -> int:
    request = {"grant_type": "client_credentials", "scope": "notes:read"} | proof(jwt or assertion(client, pair))
    return Flow(client, Browser()).token(authorization=None, **request).status_code


def test_keys_are_fetched_once_and_kept(server, client):
    assert [status(client) for _ in range(5)] == [200] * 5
    assert server.calls == {"/jwks": 1}
    assert "jwk-set+json" in server.asked[0][1]["accept"]


@pytest.mark.requirement(34)
def test_a_new_key_is_noticed_when_it_is_used(server, client, later):
    assert status(client) == 200
    server.pages["/jwks"] = as_json(jwks(KEY, NEXT))
    later(PAUSE)
    assert status(client, NEXT) == 200
    assert server.calls == {"/jwks": 2}


@pytest.mark.requirement(34)
@pytest.mark.parametrize("cache_control", ["", "max-age=86400", "public, max-age=60"])
def test_a_key_that_was_withdrawn_or_exchanged_is_refused_within_a_minute(server, client, later, cache_control):
    server.pages["/jwks"] = as_json(jwks(KEY), Cache_Control=cache_control)
    assert status(client) == 200
    server.pages["/jwks"] = as_json(jwks(NEXT))
    later(LONGEST_KEPT)
    assert status(client) == 401
    assert status(client, NEXT) == 200
    assert LONGEST_KEPT < 60


@pytest.mark.spec("RFC 9111", "5.2.2")
@pytest.mark.parametrize(("cache_control", "seconds"), [("max-age=20", 20), ("no-store", PAUSE), ("max-age=0", PAUSE)])
def test_who_publishes_them_may_have_them_asked_for_more_often(server, client, later, cache_control, seconds):
    server.pages["/jwks"] = as_json(jwks(KEY), Cache_Control=cache_control)
    assert status(client) == status(client) == 200
    later(seconds - 1)
    assert (status(client), server.calls["/jwks"]) == (200, 1)
    later(1)
    assert (status(client), server.calls["/jwks"]) == (200, 2)


def test_nothing_of_a_private_key_that_a_client_publishes_is_looked_at(server, client):
    """To check that p and q are primes takes minutes, if they are long: whoever registers a client could have this server do it."""
    rsa = SigningKeyPair.generate("RS256")
    private = {"d": "AQAB", "p": "AQAB", "q": "AQAB", "dp": "AQAB", "dq": "AQAB", "qi": "AQAB"}
    server.pages["/jwks"] = as_json({"keys": [rsa.public_jwk() | private]})
    assert status(client, rsa) == 200


def test_of_hundreds_of_keys_the_first_are_looked_at(server, client):
    """They are kept once they are parsed: whoever registers clients could have the memory filled with keys."""
    server.pages["/jwks"] = as_json({"keys": [*jwks(KEY)["keys"], *jwks(NEXT)["keys"] * 150]})
    assert status(client) == 200
    found = client_keys(client, default_issuer())
    assert sum(len(fitting) for fitting in (found.signatures.fitting or {}).values()) == 50


def test_unknown_keys_cause_one_question_however_many_they_are(server, client, later):
    assert status(client) == 200
    later(PAUSE)
    made_up = [signed(claims_for(client), NEXT, kid=f"made up {number}") for number in range(10)]
    assert [status(client, jwt=jwt) for jwt in made_up] == [401] * 10
    assert server.calls == {"/jwks": 2}


def test_a_wrong_signature_causes_none(server, client, later):
    assert status(client) == 200
    later(PAUSE)
    assert status(client, jwt=signed(claims_for(client), NEXT, kid=KEY.kid)) == 401
    assert server.calls == {"/jwks": 1}


@pytest.mark.parametrize(
    "page", [(500, {}, b""), (200, {}, b"junk"), (200, {}, b"[" * 60_000), as_json({"keys": "none"})]
)
def test_the_last_good_keys_serve_for_a_while_where_there_is_no_answer(server, client, later, page):
    assert status(client) == 200
    server.pages["/jwks"] = page
    later(LONGEST_KEPT + 1)
    assert [status(client) for _ in range(5)] == [200] * 5
    assert server.calls == {"/jwks": 2}
    later(STALE_FOR)
    assert status(client) == 401
    server.pages["/jwks"] = as_json(jwks(KEY))
    later(PAUSE)
    assert status(client) == 200


def test_an_address_that_never_answered_is_not_asked_at_each_request(server, client, later):
    server.pages["/jwks"] = (404, {}, b"")
    assert [status(client) for _ in range(5)] == [401] * 5
    assert server.calls == {"/jwks": 1}
    with pytest.raises(Unreachable):
        client_keys(client, default_issuer())
    server.pages["/jwks"] = as_json(jwks(KEY))
    later(PAUSE)
    assert status(client) == 200


def test_many_that_wait_ask_once(server, client):
    server.released.clear()
    issuer = default_issuer()
    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(client_keys, client, issuer) for _ in range(20)]
        until(lambda: server.calls)
        server.released.set()
        found = {id(one.result(PATIENCE)) for one in waiting}
    assert (len(found), server.calls) == (1, {"/jwks": 1})


def test_many_that_wait_in_vain_wait_once(server, client, settings, monkeypatch):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=0.5)}
    server.released.clear()
    monkeypatch.setattr(keys, "BOUNDS", replace(BOUNDS, pause=0.4))  # shorter than the answer takes
    issuer, began = default_issuer(), time.perf_counter()
    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(client_keys, client, issuer) for _ in range(20)]
        assert all(isinstance(one.exception(PATIENCE), Unreachable) for one in waiting)
    assert time.perf_counter() - began < SOON
    assert server.calls["/jwks"] <= 1


def test_an_address_inside_is_not_asked(settings, client, server, caplog):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": []}
    assert status(client) == 401
    assert server.connected == []
    assert "not on the internet" in caplog.text


def test_too_large_a_key_set_is_refused(server, client):
    server.pages["/jwks"] = as_json({**jwks(KEY), "x": "x" * 70_000})
    assert status(client) == 401


def test_keys_to_encrypt_with_come_from_the_same_set(server, client):
    jwk = NEXT.public_jwk() | {"use": "enc", "alg": "ECDH-ES", "kid": "encrypts"}
    server.pages["/jwks"] = as_json({"keys": [*jwks(KEY)["keys"], jwk]})
    found = client_keys(client, default_issuer())
    assert found.encryption.first("ECDH-ES")[0] == "encrypts"
    assert status(client) == 200
    assert server.calls == {"/jwks": 1}


@pytest.fixture
def silent(server, settings):
    """The server says nothing, until it is told to, and requests would wait for long."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=HELD)}
    server.released.clear()
    yield server
    server.released.set()


def test_where_few_wait_already_the_others_are_told_at_once(silent, client):
    flow = Flow(client, Browser())
    request = {"grant_type": "client_credentials", "scope": "notes:read"}
    issuer = default_issuer()
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(client_keys, client, issuer) for _ in range(8)]
        until(lambda: sum(one.done() for one in waiting) == 6)
        response = flow.token(authorization=None, **request, **proof(assertion(client, KEY)))
        assert sum(one.done() for one in waiting) == 6, "the others wait still"
        silent.released.set()
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert response["Retry-After"]


def test_stale_keys_serve_while_one_asks_anew(silent, client, later):
    silent.released.set()
    assert status(client) == 200
    silent.released.clear()
    later(LONGEST_KEPT + 1)
    issuer = default_issuer()
    with ThreadPoolExecutor(1) as threads:
        one = threads.submit(client_keys, client, issuer)
        until(lambda: silent.calls == {"/jwks": 2})
        assert [status(client) for _ in range(3)] == [200] * 3
        assert not one.done()
        silent.released.set()
    assert silent.calls == {"/jwks": 2}
