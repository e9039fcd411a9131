"""Races at the token endpoint: one code, one refresh token, many at once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from django_oauth_server.models import Token
from tests.factories import ClientFactory
from tests.flow import TOKEN
from tests.races.doors import Door, Gunicorn, at_once, walk


def outcomes(responses: list[Any]) -> Counter[str]:
    """How often each answer was given: `200`, or the error."""
    return Counter("200" if one.status_code == 200 else one.json()["error"] for one in responses)


@pytest.mark.spec("RFC 6749", "4.1.2")
def test_a_code_that_is_redeemed_fifty_times_at_once_buys_one_set_of_tokens(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(), person)
    code = flow.code()
    responses = at_once(*[partial(walk(door, flow.client).exchange, code) for _ in range(50)])
    assert outcomes(responses) == {"200": 1, "invalid_grant": 49}
    assert Counter(Token.objects.values_list("kind", flat=True)) == {"access": 1, "refresh": 1}


@pytest.mark.spec("OAuth 2.1", "7.5.2")
def test_what_it_bought_is_taken_back_as_the_others_proved_everything_too(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(), person)
    code = flow.code()
    responses = at_once(*[partial(walk(door, flow.client).exchange, code) for _ in range(5)])
    (bought,) = [one.json() for one in responses if one.status_code == 200]
    assert not flow.is_active(bought["access_token"])
    assert flow.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"


def test_guesses_at_the_same_moment_neither_burn_the_code_nor_take_back_what_it_bought(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(), person)
    code = flow.code()
    guesses = [partial(walk(door, flow.client).exchange, code, code_verifier="wrong" * 10) for _ in range(20)]
    honest, *refused = at_once(partial(walk(door, flow.client).exchange, code), *guesses)
    assert outcomes([honest]) == {"200": 1}
    assert outcomes(refused) == {"invalid_grant": 20}
    assert flow.is_active(honest.json()["access_token"])


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_refresh_token_that_is_used_twenty_times_at_once_has_one_successor(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(public=True), person)
    first = flow.tokens()["refresh_token"]
    responses = at_once(*[partial(walk(door, flow.client).refresh, first) for _ in range(20)])
    assert outcomes(responses) == {"200": 20}
    assert len({(one.json()["access_token"], one.json()["refresh_token"]) for one in responses}) == 1
    assert Counter(Token.objects.values_list("kind", flat=True)) == {"access": 2, "refresh": 2}
    assert Token.objects.values("family").distinct().count() == 1
    assert flow.refresh(responses[0].json()["refresh_token"]).status_code == 200


def test_who_asks_for_less_meanwhile_gets_less_beside_the_same_successor(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(public=True), person)
    first = flow.tokens()["refresh_token"]
    asked = [{}, {"scope": "notes:read"}] * 10
    responses = at_once(*[partial(walk(door, flow.client).refresh, first, **params) for params in asked])
    assert outcomes(responses) == {"200": 20}
    assert len({one.json()["refresh_token"] for one in responses}) == 1
    assert len({(one.json()["access_token"], one.json()["scope"]) for one in responses}) == 2


def test_a_confidential_client_may_refresh_in_many_places_at_once(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(), person)
    refresh_token = flow.tokens()["refresh_token"]
    responses = at_once(*[partial(walk(door, flow.client).refresh, refresh_token) for _ in range(20)])
    assert outcomes(responses) == {"200": 20}
    assert len({one.json()["access_token"] for one in responses}) == 20


def test_fifty_that_have_nothing_to_do_with_each_other_all_get_their_tokens(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(public=True), person)
    mine = [flow.tokens()["refresh_token"] for _ in range(50)]
    responses = at_once(*[partial(walk(door, flow.client).refresh, one) for one in mine])
    assert outcomes(responses) == {"200": 50}
    assert len({one.json()["refresh_token"] for one in responses}) == 50


@pytest.mark.parametrize("hung_up", [1, 10])
def test_an_answer_that_was_lost_on_the_way_is_given_again(gunicorn: Gunicorn, person: Any, hung_up: int) -> None:
    flow = walk(gunicorn, ClientFactory(public=True), person)
    first = flow.tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first, "client_id": flow.client.client_id}
    at_once(*[partial(gunicorn.browser().hang_up, TOKEN, form)] * hung_up)
    retries = [flow.refresh(first) for _ in range(2)]
    assert outcomes(retries) == {"200": 2}
    assert retries[0].json()["refresh_token"] == retries[1].json()["refresh_token"]
    assert Counter(Token.objects.values_list("kind", flat=True)) == {"access": 2, "refresh": 2}
