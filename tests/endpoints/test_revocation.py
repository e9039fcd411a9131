"""Giving a token back (RFC 7009)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.factories import ClientFactory
from tests.flow import REVOKE, Flow

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_any_kind_whatever_the_hint(flow: Flow, settings: Any, kind: str, hint: str | None, token_format: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    bought = flow.tokens()
    assert flow.is_active(bought[kind])
    response = flow.revoke(bought[kind], token_type_hint=hint)
    assert response.status_code == 200
    assert not flow.is_active(bought[kind])


def test_a_refresh_token_takes_all_that_its_grant_bought(flow: Flow) -> None:
    bought = flow.tokens()
    again = flow.refresh(bought["refresh_token"]).json()
    flow.revoke(bought["refresh_token"])
    assert not flow.is_active(bought["access_token"])
    assert not flow.is_active(again["access_token"])


def test_an_access_token_goes_alone(flow: Flow) -> None:
    bought = flow.tokens()
    flow.revoke(bought["access_token"])
    assert flow.refresh(bought["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 7009", "2.2")
@pytest.mark.parametrize("token", ["unknown", "oas_at_unknown", "a.b.c", "é", "x" * 20_000])
def test_an_unknown_token_is_no_error(flow: Flow, token: str) -> None:
    assert flow.revoke(token).status_code == 200


def test_revoking_twice_is_no_error(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    assert [flow.revoke(token).status_code for _ in range(2)] == [200, 200]


@pytest.mark.spec("RFC 7009", "2.1")
def test_another_clients_token_is_left_alone(flow: Flow, browser: Browser) -> None:
    token = flow.tokens()["access_token"]
    response = Flow(ClientFactory(), browser).revoke(token)
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
    assert flow.is_active(token)


def test_a_jwt_that_was_never_stored_can_be_revoked(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    token = flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    assert flow.is_active(token)
    assert [flow.revoke(token).status_code for _ in range(2)] == [200, 200]
    assert not flow.is_active(token)


def test_a_public_client_may_revoke_its_own(browser: Browser) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    bought = flow.tokens()
    assert flow.revoke(bought["refresh_token"]).status_code == 200
    assert flow.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"


def test_the_token_is_needed(flow: Flow) -> None:
    assert flow.revoke("x", token=None).json()["error"] == "invalid_request"


def test_nobody_revokes_without_being_a_client(flow: Flow) -> None:
    response = Browser().post(REVOKE, "token=x", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_not_even_the_resource_server_revokes_what_is_another_clients(
    flow: Flow, browser: Browser, settings: Any, kind: str, token_format: str
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    server = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), browser)
    bought = flow.tokens()
    assert server.revoke(bought[kind]).json()["error"] == "unauthorized_client"
    assert flow.is_active(bought[kind])


def test_a_client_that_revokes_ends_one_sign_in_of_one_person(flow: Flow, browser: Browser) -> None:
    bought, other = flow.tokens(), flow.tokens()
    flow.revoke(bought["refresh_token"])
    assert flow.refresh(other["refresh_token"]).status_code == 200
    assert flow.authorize().status_code == 303  # what the person allowed is remembered


def test_a_token_that_was_rotated_out_still_takes_its_family(browser: Browser) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    first = flow.tokens()["refresh_token"]
    second = flow.refresh(first).json()
    assert flow.revoke(first).status_code == 200
    assert flow.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_the_tokens_of_a_disabled_client_are_not_its_own_to_revoke(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    type(flow.client).objects.update(is_active=False)
    assert flow.revoke(token).json()["error"] == "invalid_client"
