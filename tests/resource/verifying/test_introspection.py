"""Tokens that the issuer is asked about: what it is believed, how often it is asked, and what its silence means."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource.verifiers.base import CannotVerify, InvalidToken
from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from tests.resource.verifying.server import AUDIENCE, INTROSPECT, METADATA, as_json, failing
from tests.waiting import SOON, until

PAST, FUTURE = 1_000_000_000, 4_000_000_000


@pytest.fixture(params=["sync", "async"])
def verify(request, introspection):
    return introspection.verify if request.param == "sync" else async_to_sync(introspection.averify)


@pytest.mark.spec("RFC 7662", "2.2")
def test_a_good_token_says_who_may_do_what(verify, server):
    server.allow("good", scope="notes:read notes:write", acr="phr")
    token = verify("good")
    assert (token.issuer, token.subject, token.client_id) == (server.issuer.identifier, "alice", "app")
    assert (token.audience, token.acr) == ((AUDIENCE,), "phr")
    assert token.scopes == {"notes:read", "notes:write"}


@pytest.mark.spec("RFC 8693", "4.1")
def test_an_answer_says_who_acts_for_another(verify, server):
    server.allow("good", act={"sub": "stock", "act": {"sub": "orders"}})
    token = verify("good")
    assert (token.subject, token.actor.subject, token.actor.before.subject) == ("alice", "stock", "orders")


@pytest.mark.spec("RFC 7662", "2.1")
def test_the_issuer_is_told_who_asks_and_for_what(verify, server):
    server.allow("good")
    verify("good")
    assert server.seen == [{"token": "good", "token_type_hint": "access_token"}]
    assert server.credentials == [("api", "s:e c%ret")]  # form-encoded first, RFC 6749 section 2.3.1


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.parametrize(
    "said",
    [
        {"active": False},
        {"active": "true"},
        {"active": 1},
        {"active": None},
        {"exp": PAST},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 1e999},
        {"nbf": FUTURE},
        {"iat": FUTURE},
        {"iss": "https://another.example"},
        {"iss": 7},
        {"aud": None},
        {"aud": []},
        {"aud": [7]},
        {"client_id": None},
        {"client_id": ""},
        {"client_id": 7},
        {"sub": ""},
        {"sub": None, "username": "alice"},
        {"token_type": "DPoP"},
        {"token_type": "N_A"},
        {"token_type": 7},
        {"token_use": "refresh_token"},
        {"cnf": {}},
        {"cnf": "a key"},
        {"act": {}},
        {"act": "orders"},
        {"scope": ["notes:read"]},
    ],
    ids=str,
)
def test_an_answer_that_is_less_than_good_is_a_refusal(verify, server, said):
    server.allow("token", **said)
    with pytest.raises(InvalidToken):
        verify("token")


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.parametrize("said", [{"token_type": "bearer"}, {"iss": None}, {"token_type": "Bearer"}])
def test_an_answer_may_leave_out_what_is_optional(verify, server, said):
    server.allow("token", **said)
    assert verify("token")


@pytest.mark.spec("RFC 7800", "3.1")
def test_an_answer_says_what_the_token_is_bound_to(verify, server):
    server.allow("token", token_type="DPoP", cnf={"jkt": "a key"})
    assert verify("token").confirmation == {"jkt": "a key"}


@pytest.mark.parametrize("subject", [None, "app"])
def test_a_client_that_acts_for_itself_is_no_person(verify, server, subject):
    server.allow("token", sub=subject)
    assert verify("token").subject is None


@pytest.mark.parametrize("token", ["x" * 10_000, "é", "\ud800", "oas_rt_" + "x" * 43])
def test_what_cannot_be_an_access_token_is_not_asked_about(verify, server, token):
    with pytest.raises(InvalidToken):
        verify(token)
    assert not server.calls


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_a_good_token_is_asked_about_once_while_its_answer_is_fresh(introspection, server, later):
    server.allow("good")
    for _ in range(20):
        introspection.verify("good")
    later(29)
    introspection.verify("good")
    assert server.calls[INTROSPECT] == 1


def test_a_revocation_is_noticed_when_the_answer_is_no_longer_fresh(introspection, server, later):
    server.allow("good")
    introspection.verify("good")
    server.tokens.clear()
    later(31)
    with pytest.raises(InvalidToken):
        introspection.verify("good")


@pytest.mark.spec("RFC 7662", "4")
def test_an_answer_is_kept_no_longer_than_the_token_lives(introspection, server, later):
    server.allow("short", exp=int(time.time()) + 20)
    introspection.verify("short")
    later(21)
    server.allow("short")
    introspection.verify("short")
    assert server.calls[INTROSPECT] == 2
    server.allow("short", exp=int(time.time()) - 60)
    later(31)
    with pytest.raises(InvalidToken):
        introspection.verify("short")


def test_nothing_is_kept_where_the_deployment_says_so(introspection, server):
    server.allow("good")
    asking = replace(introspection, cache_for=timedelta(0))
    asking.verify("good")
    asking.verify("good")
    assert server.calls[INTROSPECT] == 2


def test_a_refused_token_is_refused_for_a_moment_without_asking(introspection, server, later):
    for _ in range(20):
        with pytest.raises(InvalidToken):
            introspection.verify("unknown")
    assert server.calls[INTROSPECT] == 1
    later(11)
    server.allow("unknown")
    assert introspection.verify("unknown")


def test_no_token_and_no_secret_is_kept_or_shown(introspection, server):
    server.allow("good-token")
    introspection.verify("good-token")
    remote = introspection._remote.get()
    kept = [*remote._verdicts._good, *remote._verdicts._good.values()]
    assert "good-token" not in repr(kept)
    assert "ret" not in repr(introspection).replace("secret", "").replace("retry", "")


def test_what_a_view_does_to_the_claims_is_not_seen_by_another(introspection, server):
    server.allow("good")
    introspection.verify("good").claims["scope"] = "admin"
    assert introspection.verify("good").scopes == {"notes:read"}


def test_a_herd_with_one_token_makes_one_call(introspection, server):
    server.allow("good")
    server.hold(INTROSPECT)
    with ThreadPoolExecutor(20) as herd:
        verdicts = [herd.submit(introspection.verify, "good") for _ in range(20)]
        until(lambda: server.calls[INTROSPECT] == 1)
        server.released.set()
        assert all(verdict.result() for verdict in verdicts)
    assert server.calls[INTROSPECT] == 1


def test_an_issuer_that_does_not_answer_holds_few_threads(introspection, server):
    server.hold(INTROSPECT)
    with ThreadPoolExecutor(16) as threads:
        began = [threads.submit(introspection.verify, f"token-{number}") for number in range(16)]
        until(lambda: sum(one.done() for one in began) >= 12)
        _, held = wait(began, timeout=0.2)
        assert 1 <= len(held) <= 4
        server.released.set()
    told = [one.exception() for one in began if one not in held]
    assert all(isinstance(one, CannotVerify) and one.retry_after for one in told)


# -- a flood -----------------------------------------------------------------------------------------------------------


def test_a_flood_of_unknown_tokens_makes_a_bounded_number_of_calls(introspection, server, still):
    verifier = replace(introspection, most_refused=60)
    server.allow("known")
    verifier.verify("known")
    told = [outcome(verifier, f"junk-{number}") for number in range(500)]
    assert 60 <= server.calls[INTROSPECT] <= 61
    assert isinstance(told[0], InvalidToken)
    assert isinstance(told[-1], CannotVerify)
    assert told[-1].retry_after == 1
    assert verifier.verify("known")  # goes on


def test_who_comes_with_a_good_token_in_a_flood_gets_a_turn(introspection, server, still):
    verifier = replace(introspection, most_refused=60)
    for number in range(100):
        outcome(verifier, f"junk-{number}")
    server.allow("newcomer")
    with pytest.raises(CannotVerify) as told:
        verifier.verify("newcomer")
    still(told.value.retry_after + 0.1)
    assert verifier.verify("newcomer")


def test_good_tokens_are_not_charged(introspection, server):
    verifier = replace(introspection, most_refused=5)
    for number in range(50):
        server.allow(f"good-{number}")
        assert verifier.verify(f"good-{number}")


def test_a_flood_does_not_displace_what_is_kept_of_good_tokens(introspection, server, monkeypatch):
    monkeypatch.setattr("django_oauth_server.resource.verifiers.introspection._MOST_KEPT", 10)
    server.allow("good")
    introspection.verify("good")
    for number in range(50):
        outcome(introspection, f"junk-{number}")
    calls = server.calls[INTROSPECT]
    introspection.verify("good")
    assert server.calls[INTROSPECT] == calls
    assert len(introspection._remote.get()._verdicts._refused) == 10


def outcome(verifier, token):
    try:
        return verifier.verify(token)
    except (InvalidToken, CannotVerify) as exc:
        return exc


# -- an issuer that does not answer ------------------------------------------------------------------------------------

WRONG = {
    "500": failing(500),
    "a redirect": failing(302, Location="https://elsewhere.example/"),
    "a redirect to itself": failing(307, Location=INTROSPECT),
    "201": failing(201),
    "garbage": lambda: (200, {}, b"<html>"),
    "no object": lambda: as_json([]),
    "deep": lambda: (200, {}, b"[" * 100_000),
    "nothing": lambda: (200, {}, b""),
    "too much": lambda: (200, {}, b'{"active": true, "x": "' + b"x" * 300_000 + b'"}'),
    "compressed": lambda: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00"),
    "cut short": lambda: (200, {"Content-Length": "1000", "Connection": "close"}, b"{"),
    "our credentials are wrong": failing(401),
    "too many requests": failing(429, Retry_After="7"),
}


@pytest.mark.parametrize("answer", WRONG)
def test_an_answer_that_says_nothing_is_not_a_refusal(verify, server, answer):
    server.tricks[INTROSPECT] = WRONG[answer]
    with pytest.raises(CannotVerify) as told:
        verify("token")
    assert told.value.retry_after >= 1


def test_an_issuer_that_names_a_time_gets_it(introspection, server, later):
    server.tricks[INTROSPECT] = failing(429, Retry_After="40")
    with pytest.raises(CannotVerify) as told:
        introspection.verify("token")
    assert told.value.retry_after == 40
    server.allow("token")
    del server.tricks[INTROSPECT]
    later(35)
    with pytest.raises(CannotVerify):
        introspection.verify("token")
    later(6)
    assert introspection.verify("token")


def test_while_it_is_down_known_tokens_go_on_until_their_answer_is_old(introspection, server, later):
    server.allow("good")
    introspection.verify("good")
    server.stop()
    assert introspection.verify("good")
    later(31)
    with pytest.raises(CannotVerify):
        introspection.verify("good")


def test_when_it_is_back_it_is_asked_again(introspection, server, later):
    server.allow("good")
    introspection.verify("good")
    server.stop()
    for number in range(5):
        assert isinstance(outcome(introspection, f"other-{number}"), CannotVerify)
    server.start()
    server.allow("new")
    later(61)
    assert introspection.verify("new")


def test_a_dead_server_is_left_alone(introspection, server, later):
    server.tricks[INTROSPECT] = failing(503)
    for number in range(50):
        assert isinstance(outcome(introspection, f"token-{number}"), CannotVerify)
    assert server.calls[INTROSPECT] == 3
    later(6)
    for number in range(50):
        assert isinstance(outcome(introspection, f"token-{number}"), CannotVerify)
    assert server.calls[INTROSPECT] == 4


def test_an_answer_that_comes_too_late_is_not_waited_for(introspection, server):
    server.allow("good")
    server.hold(INTROSPECT)
    verifier = replace(introspection, timeout=timedelta(seconds=0.2))
    began = time.perf_counter()
    with pytest.raises(CannotVerify):
        verifier.verify("good")
    assert time.perf_counter() - began < SOON
    server.released.set()


def test_a_connection_that_the_server_has_closed_is_no_outage(introspection, server):
    server.allow("one")
    server.allow("two")
    introspection.verify("one")
    server.stop()
    server.start()
    assert introspection.verify("two")


def test_what_answers_wrongly_uses_up_no_connection(introspection, server, later):
    server.tricks[INTROSPECT] = WRONG["too much"]
    for number in range(30):
        outcome(introspection, f"token-{number}")
        later(61)
    del server.tricks[INTROSPECT]
    server.allow("good")
    later(61)
    assert introspection.verify("good")


def test_wrong_credentials_are_told_to_the_operator_and_not_too_often(introspection, server, later, caplog):
    server.tricks[INTROSPECT] = failing(401)
    for number in range(10):
        outcome(introspection, f"token-{number}")
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "'api'" in errors[0].getMessage()
    assert "ret" not in errors[0].getMessage()


def test_the_endpoint_can_be_named(server):
    identifier = server.issuer.identifier
    verifier = IntrospectionVerifier(identifier, client_id="a", client_secret="b", endpoint=identifier + INTROSPECT)
    server.allow("good")
    assert verifier.verify("good")
    assert server.calls[METADATA] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"client_id": "", "client_secret": "s"},
        {"client_id": "c", "client_secret": ""},
        {"client_id": "c", "client_secret": "s", "endpoint": "http://as.example/introspect"},
        {"client_id": "c", "client_secret": "s", "most_refused": 0},
    ],
)
def test_what_is_not_safe_stops_the_start(arguments):
    with pytest.raises(ImproperlyConfigured):
        IntrospectionVerifier("https://as.example", **arguments)


def test_an_answer_is_json_whatever_its_type_is_called(introspection, server):
    server.allow("good")
    server.tricks[INTROSPECT] = lambda: (
        200,
        {"Content-Type": "text/plain"},
        json.dumps(server.tokens["good"]).encode(),
    )
    assert introspection.verify("good")
