"""What a token is worth (RFC 7662)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from django.utils import timezone
from joserfc import jws

from django_oauth_server.conf import OAUTH2_1
from django_oauth_server.models import Client, Token
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.opaque import digest
from tests.factories import ClientFactory
from tests.flow import INTROSPECT, Flow

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_a_client_sees_its_own(flow: Flow, user: Any, settings: Any, token_format: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    seen = flow.introspect(flow.tokens()["access_token"])
    assert seen["exp"] - seen["iat"] == 900
    assert 0 <= seen["iat"] - seen["auth_time"] < 60
    del seen["exp"], seen["iat"], seen["auth_time"]
    assert seen == {
        "active": True,
        "iss": "https://as.example",
        "client_id": flow.client.client_id,
        "sub": str(user.pk),
        "aud": ["https://as.example"],
        "scope": "notes:read notes:write",
        "token_type": "Bearer",
        "username": user.username,
        "amr": ["pwd"],
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


@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"secret_digest": digest("another")}, {"metadata": {"token_endpoint_auth_method": "none"}}],
    ids=["disabled", "secret", "public"],
)
def test_a_caller_that_is_remembered_is_told_nothing_that_it_may_not_be_told_any_more(
    flow: Flow, browser: Browser, settings: Any, change: dict[str, Any], token_format: str
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    token = flow.tokens()["access_token"]
    notes = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), browser)
    assert notes.is_active(token)
    _changed_elsewhere(notes, **change)
    form, secret = "application/x-www-form-urlencoded", format_basic(notes.client.client_id, notes.client.secret)
    answer = browser.post(INTROSPECT, urlencode({"token": token}), form, headers={"Authorization": secret})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_nor_of_tokens_that_are_not_meant_for_it_any_more(flow: Flow, browser: Browser) -> None:
    token = flow.tokens()["access_token"]
    notes = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), browser)
    assert notes.is_active(token)
    _changed_elsewhere(notes, metadata=notes.client.metadata | {"resource_identifiers": []})
    assert notes.introspect(token) == {"active": False}


def _changed_elsewhere(flow: Flow, **values: Any) -> None:
    """By another process: this one is not told."""
    Client.objects.filter(pk=flow.client.pk).update(**values, updated_at=timezone.now())


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


@pytest.mark.spec("RFC 7662", "2.1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_the_hint_changes_nothing(flow: Flow, hint: str, kind: str) -> None:
    assert flow.introspect(flow.tokens()[kind], token_type_hint=hint)["active"] is True


def test_a_refresh_token_is_not_called_a_bearer(flow: Flow) -> None:
    assert "token_type" not in flow.introspect(flow.tokens()["refresh_token"])


@pytest.mark.spec("RFC 7662", "2.2")
def test_a_refresh_token_that_was_rotated_out_is_worth_nothing(browser: Browser, settings: Any) -> None:
    client = ClientFactory()
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "policy": replace(OAUTH2_1, name="rotating", require_refresh_token_rotation=True)
    }
    flow = Flow(client, browser)
    first = flow.tokens()["refresh_token"]
    second = flow.refresh(first).json()["refresh_token"]
    assert flow.introspect(first) == {"active": False}
    assert flow.is_active(second)


@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_the_audience_of_a_client_that_serves_several_resources(
    flow: Flow, browser: Browser, settings: Any, token_format: str
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    served = ["https://api.example/notes", "https://api.example/mail"]
    server = Flow(ClientFactory(metadata__resource_identifiers=served), browser)
    for resource in served:
        assert server.introspect(flow.tokens(resource=resource)["access_token"])["aud"] == [resource]
    assert not server.is_active(flow.tokens()["access_token"])


@pytest.mark.spec("RFC 9068", "4")
def test_a_jwt_is_worth_nothing_once_it_has_expired(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "access_token_format": "at+jwt",
        "access_token_lifetime": timedelta(),
    }
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    token = flow.token(grant_type="client_credentials", scope="email").json()["access_token"]
    assert flow.introspect(token) == {"active": False}
    assert flow.revoke(token).status_code == 200
    assert not Token.objects.exists()


def test_the_answer_is_kept_by_nobody(flow: Flow) -> None:
    headers, form = flow._authenticate("", {"token": "x"})
    response = Browser().post(INTROSPECT, urlencode(form), "application/x-www-form-urlencoded", headers=headers)
    assert response["Cache-Control"] == "no-store"
