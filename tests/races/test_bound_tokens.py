"""Races for tokens that are bound to a key (RFC 9449 section 5): the same proof, and proofs of two keys, at once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from django_oauth_server.models import Token
from django_oauth_server.models.used_assertion import UsedAssertion
from tests.dpop.prover import Prover
from tests.factories import ClientFactory
from tests.races.doors import Door, at_once, walk
from tests.races.test_tokens import outcomes


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_refresh_with_one_proof_twenty_times_at_once_is_answered_once(door: Door, person: Any) -> None:
    prover, flow = Prover(), walk(door, ClientFactory(public=True), person)
    first = flow.exchange(flow.code(), headers=prover.headers()).json()
    headers = prover.headers()
    responses = at_once(
        *[partial(walk(door, flow.client).refresh, first["refresh_token"], headers=headers) for _ in range(20)]
    )
    assert outcomes(responses) == {"200": 1, "invalid_dpop_proof": 19}
    assert UsedAssertion.objects.count() == 2
    second = next(one for one in responses if one.status_code == 200).json()
    assert flow.refresh(second["refresh_token"], headers=prover.headers()).status_code == 200


def test_a_refresh_with_twenty_proofs_of_one_key_at_once_is_answered_alike(door: Door, person: Any) -> None:
    prover, flow = Prover(), walk(door, ClientFactory(public=True), person)
    first = flow.exchange(flow.code(), headers=prover.headers()).json()
    responses = at_once(
        *[partial(walk(door, flow.client).refresh, first["refresh_token"], headers=prover.headers()) for _ in range(20)]
    )
    assert Counter(one.status_code for one in responses) == {200: 20}
    assert len({one.json()["access_token"] for one in responses}) == 1


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_two_keys_that_refresh_one_unbound_token_at_once_end_its_family(door: Door, person: Any) -> None:
    """A refresh token from before the client had a key is bound to the first that it comes with. A second one shows that two have the token."""
    flow, keys = walk(door, ClientFactory(public=True), person), [Prover(), Prover("EdDSA")]
    first = flow.tokens()
    responses = at_once(
        *[
            partial(walk(door, flow.client).refresh, first["refresh_token"], headers=keys[turn % 2].headers())
            for turn in range(20)
        ]
    )
    assert set(outcomes(responses)) == {"200", "invalid_grant"}
    assert len({token.facts["cnf"]["jkt"] for token in Token.objects.all() if "cnf" in token.facts}) == 1
    assert not Token.objects.filter(revoked_at=None).exists()


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_code_and_a_proof_twenty_times_at_once_buy_one_set_of_tokens(door: Door, person: Any) -> None:
    prover, flow = Prover(), walk(door, ClientFactory(), person)
    code, headers = flow.code(), prover.headers()
    responses = at_once(*[partial(walk(door, flow.client).exchange, code, headers=headers) for _ in range(20)])
    assert outcomes(responses)["200"] == 1
    assert set(outcomes(responses)) <= {"200", "invalid_grant", "invalid_dpop_proof"}
    assert Token.objects.filter(revoked_at=None).count() == 2
