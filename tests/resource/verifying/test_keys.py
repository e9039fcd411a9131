"""How fresh the issuer's keys are, and how seldom it is asked for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jwt

from django_oauth_server.resource.verifiers.base import CannotVerify, InvalidToken
from tests.resource.verifying.server import JWKS, METADATA, failing
from tests.waiting import until

LIFE = timedelta(hours=1)
STALE = timedelta(hours=24)
MINUTE = timedelta(minutes=1)


def test_keys_are_fetched_once(jwks, server):
    for _ in range(20):
        jwks.verify(server.issuer.token())
    assert server.calls == {METADATA: 1, JWKS: 1}


def test_a_crowd_that_finds_no_keys_waits_for_one_fetch(jwks, server):
    server.hold(JWKS)
    tokens = [server.issuer.token() for _ in range(20)]
    with ThreadPoolExecutor(20) as crowd:
        verdicts = [crowd.submit(jwks.verify, token) for token in tokens]
        until(lambda: server.calls[JWKS] == 1)
        server.released.set()
        assert all(verdict.result() for verdict in verdicts)
    assert server.calls[JWKS] == 1


def waiting_longer_than_others(verify, tokens):
    """How many threads, of one for each token, are still held once all but two have their verdict, and a moment later."""
    with ThreadPoolExecutor(len(tokens)) as threads:
        began = [threads.submit(verify, token) for token in tokens]
        until(lambda: sum(one.done() for one in began) >= len(tokens) - 2)
        _, held = wait(began, timeout=0.2)
        yield len(held)
        yield [one.exception() for one in began]


def test_an_issuer_that_does_not_answer_holds_few_threads(jwks, server):
    server.hold(JWKS)
    outcome = waiting_longer_than_others(jwks.verify, [server.issuer.token() for _ in range(16)])
    assert 1 <= next(outcome) <= 2
    server.released.set()
    told = [str(one) for one in next(outcome) if one]
    assert len(told) >= 14
    assert all("enough requests wait" in one for one in told)


def test_of_those_who_come_too_late_to_wait_the_last_keys_serve(jwks, server, later):
    token = server.issuer.token(expires_in=STALE)
    jwks.verify(token)
    server.hold(JWKS)
    later(LIFE + MINUTE)
    outcome = waiting_longer_than_others(jwks.verify, [token] * 16)
    assert 1 <= next(outcome) <= 2
    server.released.set()
    assert not any(next(outcome))


def test_a_fetch_that_brings_the_same_keys_forgets_no_signature(jwks, server, later, monkeypatch):
    decoded = []
    decode = jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda *args, **kwargs: decoded.append(1) or decode(*args, **kwargs))
    token = server.issuer.token(expires_in=STALE)
    jwks.verify(token)
    later(LIFE * 0.9)
    jwks.verify(token)
    until(lambda: server.calls[JWKS] == 2)
    later(LIFE * 0.5)
    jwks.verify(token)
    assert len(decoded) == 1


def test_keys_are_fetched_anew_before_they_are_too_old_and_nobody_waits(jwks, server, later):
    token = server.issuer.token(expires_in=STALE)
    jwks.verify(token)
    server.hold(JWKS)
    later(LIFE * 0.9)
    for _ in range(20):
        assert jwks.verify(token)  # while the issuer is silent
    until(lambda: server.calls[JWKS] == 2)
    server.released.set()


def test_before_that_nobody_is_asked(jwks, server, later):
    token = server.issuer.token(expires_in=STALE)
    jwks.verify(token)
    later(LIFE * 0.7)
    jwks.verify(token)
    assert server.calls[JWKS] == 1


def test_a_key_that_was_withdrawn_verifies_nothing_once_its_lifetime_is_over(jwks, server, later):
    token = server.issuer.token(expires_in=STALE)
    jwks.verify(token)
    server.issuer.rotate(withdraw=True)
    later(LIFE + MINUTE)
    with pytest.raises(InvalidToken):
        jwks.verify(token)


def test_while_the_issuer_is_down_the_last_good_keys_serve(jwks, server, later):
    token = server.issuer.token(expires_in=STALE * 2)
    jwks.verify(token)
    server.stop()
    for _ in range(4):
        later(STALE / 4)
        assert jwks.verify(token)


def test_and_for_no_longer_than_they_may(jwks, server, later):
    token = server.issuer.token(expires_in=STALE * 2)
    jwks.verify(token)
    server.stop()
    later(LIFE + STALE + MINUTE)
    with pytest.raises(CannotVerify):
        jwks.verify(token)


def test_once_the_issuer_is_known_to_be_down_nobody_waits_for_it(jwks, server, later):
    token = server.issuer.token(expires_in=STALE)
    jwks.verify(token)
    server.tricks[JWKS] = failing(503)
    later(LIFE + MINUTE)
    jwks.verify(token)
    server.hold(JWKS)
    later(MINUTE * 2)
    assert jwks.verify(token)
    server.released.set()


def test_an_issuer_that_is_back_is_noticed(jwks, server, later):
    server.stop()
    with pytest.raises(CannotVerify):
        jwks.verify(server.issuer.token())
    server.start()
    with pytest.raises(CannotVerify) as left_alone:
        jwks.verify(server.issuer.token())
    later(left_alone.value.retry_after)
    assert jwks.verify(server.issuer.token())


def test_an_issuer_that_fails_is_asked_less_and_less(jwks, server, later):
    server.tricks[METADATA] = failing(503)
    for _ in range(600):
        with pytest.raises(CannotVerify) as told:
            jwks.verify(server.issuer.token())
        assert 1 <= told.value.retry_after <= 60
        later(1)
    assert server.calls[METADATA] <= 15


def test_a_new_key_is_known_as_soon_as_a_token_names_it(jwks, server):
    jwks.verify(server.issuer.token())
    server.issuer.rotate()
    assert jwks.verify(server.issuer.token())
    assert server.calls[JWKS] == 2


@pytest.mark.spec("RFC 7517", "4.5")
def test_a_flood_of_unknown_keys_makes_one_fetch_each_half_minute(jwks, server, later):
    jwks.verify(server.issuer.token())
    for _ in range(3):
        for _ in range(100):
            with pytest.raises(InvalidToken):
                jwks.verify(server.issuer.token_of_unknown_key())
        later(31)
    assert server.calls[JWKS] == 4
    assert server.calls[METADATA] == 1


def test_a_flood_from_many_threads_is_no_different(jwks, server):
    jwks.verify(server.issuer.token())
    tokens = [server.issuer.token_of_unknown_key() for _ in range(50)]
    with ThreadPoolExecutor(20) as crowd:
        verdicts = [crowd.submit(jwks.verify, token).exception() for token in tokens]
    assert all(isinstance(verdict, InvalidToken) for verdict in verdicts)
    assert server.calls[JWKS] == 2


def test_a_flood_does_not_keep_good_tokens_out(jwks, server):
    token = server.issuer.token()
    for _ in range(50):
        with pytest.raises(InvalidToken):
            jwks.verify(server.issuer.token_of_unknown_key())
        assert jwks.verify(token)


def test_a_new_key_while_the_issuer_is_down_is_not_called_invalid(jwks, server, later):
    jwks.verify(server.issuer.token())
    server.stop()
    server.issuer.rotate()
    for _ in range(3):
        with pytest.raises(CannotVerify):
            jwks.verify(server.issuer.token())


def test_keys_that_have_moved_are_found(jwks, server, later):
    verifier = replace(jwks, lifetime=MINUTE * 10)
    token = server.issuer.token(expires_in=STALE)
    verifier.verify(token)
    server.jwks_path = "/moved"
    later(MINUTE * 11)
    assert verifier.verify(token)  # by the last good keys
    later(MINUTE)
    server.issuer.rotate()
    assert verifier.verify(server.issuer.token(expires_in=STALE))
    assert server.calls["/moved"] == 1
