"""A race for one assertion: many that present it at once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from django_oauth_server.models.used_assertion import UsedAssertion
from tests.assertions import assertion, key_client, proof, secret_client
from tests.races.doors import Door, at_once, walk
from tests.races.test_tokens import outcomes
from tests.workloads.platforms import github_token, trusted, workload_client


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize("client", [key_client, secret_client], ids=["private_key_jwt", "client_secret_jwt"])
def test_an_assertion_that_is_presented_twenty_times_at_once_is_accepted_once(door: Door, client: Any) -> None:
    flow = walk(door, client())
    asked = {"grant_type": "client_credentials", "scope": "notes:read", **proof(assertion(flow.client))}
    responses = at_once(*[partial(walk(door, flow.client).token, authorization=None, **asked) for _ in range(20)])
    assert outcomes(responses) == {"200": 1, "invalid_client": 19}
    assert UsedAssertion.objects.count() == 1


def test_twenty_assertions_at_once_are_all_accepted(door: Door) -> None:
    flow = walk(door, key_client())
    asked = [
        {"grant_type": "client_credentials", "scope": "notes:read", **proof(assertion(flow.client))} for _ in range(20)
    ]
    responses = at_once(*[partial(walk(door, flow.client).token, authorization=None, **one) for one in asked])
    assert Counter(one.status_code for one in responses) == {200: 20}


@pytest.mark.spec("RFC 7523", "3")
def test_a_platforms_token_that_is_presented_twenty_times_at_once_is_accepted_once(door: Door, settings: Any) -> None:
    if door.name != "threads":
        pytest.skip("the workers have settings of their own")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": trusted()}}
    client = workload_client("deploy")
    asked = {"grant_type": "client_credentials", **proof(github_token())}
    responses = at_once(*[partial(walk(door, client).token, authorization=None, **asked) for _ in range(20)])
    assert outcomes(responses) == {"200": 1, "invalid_client": 19}
    assert UsedAssertion.objects.count() == 1
