"""A request that says, or proves as it is pushed, to which key its code is bound (RFC 9449 section 10)."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauth_server.registry import default_issuer
from tests.dpop.prover import Prover
from tests.flow import VERIFIER
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db

PAR_URL = "https://as.example/oauth/par"


@pytest.fixture
def prover() -> Prover:
    return Prover()


def shown(prover: Prover, **said: Any) -> dict[str, str]:
    """The header of a push."""
    return prover.headers(**({"url": PAR_URL} | said))


@pytest.mark.spec("RFC 9449", "10.1")
def test_a_proof_that_is_pushed_binds_the_code(pushing: Pushing, prover: Prover) -> None:
    code = pushing.done(pushing.reference(headers=shown(prover)))["code"]
    assert pushing.exchange(code).json()["error"] == "invalid_grant"
    code = pushing.done(pushing.reference(headers=shown(prover)))["code"]
    assert pushing.exchange(code, headers=Prover().headers()).json()["error"] == "invalid_grant"
    code = pushing.done(pushing.reference(headers=shown(prover)))["code"]
    assert pushing.exchange(code, headers=prover.headers()).json()["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "10.1")
def test_so_does_the_parameter(pushing: Pushing, prover: Prover) -> None:
    code = pushing.done(pushing.reference(dpop_jkt=prover.jkt))["code"]
    assert pushing.exchange(code, headers=Prover().headers()).json()["error"] == "invalid_grant"


@pytest.mark.spec("RFC 9449", "10.1")
def test_both_have_to_name_one_key(pushing: Pushing, prover: Prover) -> None:
    assert pushing.push(dpop_jkt=prover.jkt, headers=shown(prover)).status_code == 201
    response = pushing.push(dpop_jkt=Prover("RS256").jkt, headers=shown(prover))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 9449", "10.1")
@pytest.mark.parametrize("said", [{"url": "https://as.example/oauth/token"}, {"method": "GET"}, {"iat": 1}])
def test_a_proof_that_is_no_good_is_refused(pushing: Pushing, prover: Prover, said: dict[str, Any]) -> None:
    response = pushing.push(headers=shown(prover, **said))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_proof_is_pushed_once(pushing: Pushing, prover: Prover) -> None:
    headers = shown(prover)
    assert pushing.push(headers=headers, scope="admin").status_code == 400
    assert pushing.push(headers=headers).status_code == 201
    assert pushing.push(headers=headers).json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "8", "10.1")
def test_a_nonce_can_be_asked_for(pushing: Pushing, prover: Prover, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"dpop": {"nonces": "required"}}
    refused = pushing.push(headers=shown(prover))
    assert refused.json()["error"] == "use_dpop_nonce"
    accepted = pushing.push(headers=shown(prover, nonce=refused["DPoP-Nonce"]))
    assert accepted.status_code == 201
    assert accepted["DPoP-Nonce"]


@pytest.mark.spec("RFC 9449", "10.1")
def test_a_client_whose_tokens_are_bound_need_not_prove_its_key_to_push(pushing: Pushing, prover: Prover) -> None:
    pushing.client.metadata["dpop_bound_access_tokens"] = True
    pushing.client.save()
    code = pushing.done(pushing.reference())["code"]
    assert pushing.exchange(code, code_verifier=VERIFIER, headers=prover.headers()).json()["token_type"] == "DPoP"


def test_the_address_of_the_endpoint_is_the_issuers() -> None:
    assert default_issuer().url("pushed") == PAR_URL
