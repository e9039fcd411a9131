"""DPoP with whatever else leads to a token (RFC 9449 section 5): a device, a request object, a client that authenticates by assertion."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Ticket
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol.pkce import challenge_of
from tests.assertions import assertion, key_client
from tests.assertions import proof as authenticated
from tests.device.walk import Device, television
from tests.dpop.prover import Prover
from tests.flow import VERIFIER, Flow
from tests.openid.test_request_objects import request_object

pytestmark = [pytest.mark.django_db, pytest.mark.spec("RFC 9449", "5")]


@pytest.fixture
def prover() -> Prover:
    return Prover()


@pytest.fixture
def device(browser: Browser) -> Device:
    return Device(television(), browser)


def test_a_device_gets_tokens_that_are_bound_to_its_key(device: Device, prover: Prover) -> None:
    codes = device.codes()
    device.allow(codes["user_code"])
    bought = device.poll(codes["device_code"], headers=prover.headers()).json()
    assert bought["token_type"] == "DPoP"
    assert device.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"
    assert device.refresh(bought["refresh_token"], headers=prover.headers()).json()["token_type"] == "DPoP"


def test_a_poll_in_vain_writes_no_proof_down(device: Device, prover: Prover) -> None:
    codes = device.codes()
    assert device.error(codes["device_code"], headers=prover.headers()) == "authorization_pending"
    assert not UsedAssertion.objects.exists()


def test_a_device_that_always_proves_is_told_so_before_the_person_is_asked(device: Device, prover: Prover) -> None:
    device.client.metadata |= {"dpop_bound_access_tokens": True}
    device.client.save()
    assert device.error(device.codes()["device_code"]) == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "10")
def test_a_request_object_names_the_key(browser: Browser, prover: Prover, settings: Any) -> None:
    flow = Flow(key_client(metadata__grant_types=["authorization_code"]), browser)
    named = request_object(
        flow.client, dpop_jkt=prover.jkt, code_challenge=challenge_of(VERIFIER), code_challenge_method="S256"
    )
    page = flow.browser.get("/oauth/authorize", {"client_id": flow.client.client_id, "request": named})
    assert page.status_code == 200, page
    flow.decide(page)
    assert Ticket.objects.get(kind=Ticket.Kind.AUTHORIZATION_CODE).payload["cnf"] == {"jkt": prover.jkt}


def test_an_assertion_and_a_proof_are_each_accepted_once(prover: Prover) -> None:
    flow, headers = Flow(key_client(), Browser()), prover.headers()

    def ask(headers: dict[str, str], jwt: str) -> Any:
        asked = {"grant_type": "client_credentials", "scope": "notes:read", **authenticated(jwt)}
        return flow.token(authorization=None, headers=headers, **asked)

    once = assertion(flow.client)
    assert ask(headers, once).json()["token_type"] == "DPoP"
    assert ask(prover.headers(), once).json()["error"] == "invalid_client"
    assert ask(headers, assertion(flow.client)).json()["error"] == "invalid_dpop_proof"
