"""DPoP with pushed authorization requests (RFC 9449 section 10.1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Ticket
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol.pkce import challenge_of
from tests.assertions import assertion, key_client
from tests.assertions import proof as authenticated
from tests.dpop.prover import Prover
from tests.factories import ClientFactory
from tests.flow import VERIFIER, told
from tests.openid.test_request_objects import request_object
from tests.pushed.conftest import Pushing

pytestmark = [pytest.mark.django_db, pytest.mark.spec("RFC 9449", "10.1")]

PAR = "https://as.example/oauth/par"


@pytest.fixture
def pushing(browser: Browser, client_app: object) -> Pushing:
    return Pushing(client_app, browser)


@pytest.fixture
def prover() -> Prover:
    return Prover()


def is_bound_to(prover: Prover, code: str, flow: Pushing) -> bool:
    """Whether *prover*'s key, and no other, and not none, buys what the code is for."""
    for headers in ({}, Prover("EdDSA").headers()):
        refused = flow.exchange(code, headers=headers)
        if refused.status_code == 200 or refused.json()["error"] != "invalid_grant":
            return False
    return bool(flow.exchange(code, headers=prover.headers()).json()["token_type"] == "DPoP")


def test_a_key_that_is_named_binds_the_code(pushing: Pushing, prover: Prover) -> None:
    code = pushing.done(pushing.reference(dpop_jkt=prover.jkt))["code"]
    assert is_bound_to(prover, code, pushing)


def test_a_proof_binds_the_code(pushing: Pushing, prover: Prover) -> None:
    code = pushing.done(pushing.reference(headers=prover.headers(url=PAR)))["code"]
    assert is_bound_to(prover, code, pushing)


def test_both_do_if_they_are_of_one_key(pushing: Pushing, prover: Prover) -> None:
    reference = pushing.reference(dpop_jkt=prover.jkt, headers=prover.headers(url=PAR))
    assert is_bound_to(prover, pushing.done(reference)["code"], pushing)


def test_a_proof_of_another_key_than_the_one_that_is_named_is_refused(pushing: Pushing, prover: Prover) -> None:
    refused = pushing.push(dpop_jkt=Prover("EdDSA").jkt, headers=prover.headers(url=PAR))
    assert refused.status_code == 400
    assert told(refused)["error"] == "invalid_request"
    assert not UsedAssertion.objects.exists()


def test_without_either_the_code_is_not_bound(pushing: Pushing, prover: Prover) -> None:
    assert pushing.exchange(pushing.done(pushing.reference())["code"]).json()["token_type"] == "Bearer"


def test_what_is_no_thumbprint_is_refused_when_it_is_pushed(pushing: Pushing) -> None:
    assert pushing.push(dpop_jkt="short").json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "said", [{"url": "https://as.example/oauth/token"}, {"method": "GET"}, {"iat": 1}, {"jti": None}]
)
def test_a_proof_that_is_not_for_the_push_is_refused(pushing: Pushing, prover: Prover, said: Any) -> None:
    refused = pushing.push(headers=prover.headers(**{"url": PAR} | said))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


def test_a_proof_of_a_push_is_accepted_once(pushing: Pushing, prover: Prover) -> None:
    headers = prover.headers(url=PAR)
    assert pushing.push(headers=headers).status_code == 201
    refused = pushing.push(headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


def test_a_push_that_is_refused_leaves_the_proof_unused(pushing: Pushing, prover: Prover) -> None:
    headers = prover.headers(url=PAR)
    assert pushing.push(scope="unknown", headers=headers).status_code == 400
    assert pushing.push(headers=headers).status_code == 201


def test_a_nonce_is_told_for_pushes_too(pushing: Pushing, prover: Prover, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "dpop": {"nonces": "required"}}
    refused = pushing.push(headers=prover.headers(url=PAR))
    assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
    pushed = pushing.push(headers=prover.headers(url=PAR, nonce=refused["DPoP-Nonce"]))
    assert pushed.status_code == 201
    assert pushed["DPoP-Nonce"]


def test_a_client_that_always_proves_may_push_without_a_proof(pushing: Pushing, prover: Prover) -> None:
    """`dpop_bound_access_tokens` is for token requests (section 5.2)."""
    pushing.client.metadata |= {"dpop_bound_access_tokens": True}
    pushing.client.save()
    code = pushing.done(pushing.reference())["code"]
    assert pushing.exchange(code).json()["error"] == "invalid_dpop_proof"
    assert pushing.exchange(code, headers=prover.headers()).json()["token_type"] == "DPoP"


def test_a_public_client_binds_its_codes_as_well(browser: Browser, prover: Prover) -> None:
    flow = Pushing(ClientFactory(public=True), browser)
    code = flow.done(flow.reference(headers=prover.headers(url=PAR)))["code"]
    assert is_bound_to(prover, code, flow)


def test_a_proof_goes_with_a_signed_request_as_well(browser: Browser, prover: Prover) -> None:
    flow = Pushing(key_client(metadata__grant_types=["authorization_code"]), browser)
    challenge = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}

    def push(**said: str) -> Any:
        signed = request_object(flow.client, **challenge, **said)
        nothing_else = dict.fromkeys(["response_type", "redirect_uri", "scope", "state", *challenge])
        return flow.push(
            authorization=None,
            headers=prover.headers(url=PAR),
            request=signed,
            **nothing_else,
            **authenticated(assertion(flow.client)),
        )

    assert push(dpop_jkt=Prover("EdDSA").jkt).json()["error"] == "invalid_request"
    for said in ({}, {"dpop_jkt": prover.jkt}):
        flow.done(push(**said).json()["request_uri"])
        assert Ticket.objects.latest("pk").payload["cnf"] == {"jkt": prover.jkt}


def test_beside_the_reference_no_other_key_can_be_named(pushing: Pushing, prover: Prover) -> None:
    reference = pushing.reference(dpop_jkt=prover.jkt)
    pushing.done(reference, dpop_jkt=Prover("EdDSA").jkt)
    assert Ticket.objects.get(kind=Ticket.Kind.AUTHORIZATION_CODE).payload["cnf"] == {"jkt": prover.jkt}
