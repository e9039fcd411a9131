"""What a proof of possession costs the database (RFC 9449 section 11.1): a statement to note that it was used, or none with a shared cache."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.keys.rotation import rotate_all
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.refusals import FROM_ONE_ADDRESS
from tests.budgets.test_statements import statements
from tests.dpop.prover import Prover
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(db: None) -> Flow:
    """A remembered client whose tokens are JWTs, so that a token request makes no statement at all."""
    rotate_all(default_issuer(), now=timezone.now(), at_once=True)
    signing_key(default_issuer())
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"], access_token_format="at+jwt"), Browser())
    own(flow, Prover().headers())
    return flow


def own(flow: Flow, headers: dict[str, str] | None = None) -> None:
    answer = flow.token(grant_type="client_credentials", scope="notes:read", headers=headers)
    assert answer.status_code == 200, answer.content


def test_without_a_proof_there_is_none(machine: Flow) -> None:
    with statements() as made:
        own(machine)
    assert made == []


@pytest.mark.parametrize("nonces", ["off", "offered"])
def test_a_proof_is_noted_with_one(machine: Flow, settings: Any, nonces: str) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "dpop": {"nonces": nonces}}
    own(machine)  # reads its key anew
    with statements() as made:
        own(machine, Prover().headers())
    assert made == ["INSERT usedassertion"]


def test_with_a_shared_cache_there_is_none(machine: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "dpop": {"cache": "default"}}
    own(machine)
    with statements() as made:
        own(machine, Prover().headers())
    assert made == []


def test_a_refused_proof_costs_none_but_that_it_is_kept_now_and_then(machine: Flow) -> None:
    for kept in [["INSERT refusal"]] * FROM_ONE_ADDRESS.count + [[]] * 2:
        with statements() as made:
            refused = machine.token(grant_type="client_credentials", headers={"DPoP": "junk"})
        assert refused.status_code == 400
        assert made == kept


def test_for_a_code_it_is_one_more(flow: Flow) -> None:
    Client.objects.update(access_token_format="opaque")
    flow.tokens()  # from now on the client is remembered
    counts = []
    for headers in ({}, Prover().headers()):
        code = flow.code()
        with statements() as made:
            assert flow.exchange(code, headers=headers).status_code == 200
        counts.append(sorted(made))
    bearer, bound = counts
    assert bound == sorted([*bearer, "INSERT usedassertion"])
