"""What a token is worth (RFC 7662)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client as Browser
from joserfc import jws

from django_oauth_server.models import Token
from tests.factories import ClientFactory
from tests.flow import INTROSPECT, Flow

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_a_client_sees_its_own(flow: Flow, user: Any, settings: Any, token_format: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    seen = flow.introspect(flow.tokens()["access_token"])
    assert seen["exp"] - seen["iat"] == 900
    del seen["exp"], seen["iat"]
    assert seen == {
        "active": True,
        "iss": "https://as.example",
        "client_id": flow.client.client_id,
        "sub": str(user.pk),
        "aud": ["https://as.example"],
        "scope": "notes:read notes:write",
        "token_type": "Bearer",
        "username": user.username,
    }


def test_a_clients_own_token_is_about_the_client() -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    seen = flow.introspect(flow.token(grant_type="client_credentials", scope="email").json()["access_token"])
    assert seen["sub"] == seen["client_id"] == flow.client.client_id
    assert "username" not in seen


@pytest.mark.spec("RFC 7662", "4")
def test_a_resource_server_sees_the_access_tokens_meant_for_it(flow: Flow, browser: Browser) -> None:
    bought = flow.tokens(resource="https://api.example/notes")
    notes = Flow(ClientFactory(metadata__resource_identifiers=["https://api.example/notes"]), browser)
    mail = Flow(ClientFactory(metadata__resource_identifiers=["https://api.example/mail"]), browser)
    assert notes.is_active(bought["access_token"])
    assert not notes.is_active(bought["refresh_token"])
    assert mail.introspect(bought["access_token"]) == {"active": False}


def test_another_client_sees_nothing(flow: Flow, browser: Browser) -> None:
    bought = flow.tokens()
    other = Flow(ClientFactory(), browser)
    assert other.introspect(bought["access_token"]) == other.introspect("unknown") == {"active": False}


def test_an_expired_token_is_worth_nothing(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    Token.objects.update(expires_at=Token.objects.latest("pk").issued_at)
    assert flow.introspect(token) == {"active": False}


def test_a_public_client_may_not_ask(browser: Browser) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    response = Browser().post(
        INTROSPECT, "token=x&client_id=" + flow.client.client_id, content_type="application/x-www-form-urlencoded"
    )
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_nobody_asks_without_being_a_client() -> None:
    response = Browser().post(INTROSPECT, "token=x", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 401


def test_a_jti_opens_nothing(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}
    jti = json.loads(jws.extract_compact(flow.tokens()["access_token"].encode()).payload)["jti"]
    assert flow.introspect(jti) == flow.introspect(f"jti:{jti}") == {"active": False}
