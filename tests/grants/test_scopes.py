"""Scope, as requests say it (RFC 6749 section 3.3) and as an OpenID Provider reads it (OpenID Connect Core section 3.1.2.1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.factories import ClientFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize("scope", ["notes:read  notes:write", " notes:read notes:write ", "notes:write   notes:read "])
def test_several_spaces_are_one(flow: Flow, scope: str) -> None:
    tokens = flow.tokens(scope=scope)
    assert tokens["scope"] == "notes:read notes:write"
    assert flow.refresh(tokens["refresh_token"], scope=scope).json()["scope"] == "notes:read notes:write"


def test_several_spaces_are_one_where_a_client_acts_for_itself(db: None) -> None:
    service = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    answer = service.token(grant_type="client_credentials", scope="notes:read  notes:write")
    assert answer.json()["scope"] == "notes:read notes:write"


def test_spaces_alone_are_no_scope(flow: Flow) -> None:
    assert answered(flow.authorize(scope="  "))["error_description"].startswith("The parameter scope is missing")


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_an_openid_request_leaves_out_what_this_server_does_not_know(flow: Flow) -> None:
    asked = "openid profile groups notes:read"
    tokens = flow.tokens(scope=asked)
    assert tokens["scope"] == "notes:read openid profile"
    assert flow.refresh(tokens["refresh_token"], scope=asked).json()["scope"] == "notes:read openid profile"


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_elsewhere_the_unknown_scope_is_named(flow: Flow) -> None:
    refusal = answered(flow.authorize(scope="notes:read groups teams"))
    assert refusal["error"] == "invalid_scope"
    assert (
        refusal["error_description"] == "The parameter scope asks for groups teams, which this server does not offer."
    )


def test_a_server_without_openid_does_not_know_that_scope_either(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}
    assert "asks for openid," in answered(flow.authorize(scope="openid notes:read"))["error_description"]


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize("scope", ["notes:read notes:write", "openid notes:write"])
def test_a_scope_that_is_known_but_not_this_clients_is_refused_and_named(
    user: Any, browser: Browser, scope: str
) -> None:
    flow = Flow(ClientFactory(metadata__scope="openid notes:read"), browser)
    refusal = answered(flow.authorize(scope=scope))
    assert refusal["error"] == "invalid_scope"
    assert "asks for notes:write, which this client may not request" in refusal["error_description"]


@pytest.mark.spec("RFC 6749", "6")
def test_a_refresh_names_what_was_not_granted(flow: Flow) -> None:
    refresh_token = flow.tokens(scope="notes:read")["refresh_token"]
    answer = flow.refresh(refresh_token, scope="notes:read notes:write").json()
    assert answer["error_description"] == "The parameter scope asks for notes:write, which was not granted."


def test_a_long_scope_is_not_told_back_whole(flow: Flow) -> None:
    refusal = answered(flow.authorize(scope=" ".join(f"unknown:{number}" for number in range(200))))
    assert refusal["error"] == "invalid_scope"
    assert len(refusal["error_description"]) < 300
