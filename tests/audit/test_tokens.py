"""Attacks on step (C) to (F): on tokens, and on who they are taken for."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Client, Token
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.pkce import challenge_of
from tests.factories import ClientFactory, UserFactory
from tests.flow import VERIFIER, Flow

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.mark.spec("RFC 7009", "2")
def test_a_jwt_that_was_revoked_stays_revoked_when_dead_rows_are_cleared(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "access_token_format": "at+jwt",
        "access_token_lifetime": timedelta(days=30),
    }
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    token = flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    flow.revoke(token)
    Token.objects.update(revoked_at=timezone.now() - timedelta(days=2))
    call_command("cleartokens", stdout=StringIO())
    assert not flow.is_active(token)


@pytest.mark.spec("RFC 9700", "4.15")
def test_a_person_whose_id_is_the_clients_gets_no_token_that_says_to_be_the_client(flow: Flow, user: Any) -> None:
    """Where people choose their own primary keys, somebody may choose a client's id."""
    code = flow.code()
    Client.objects.update(client_id=str(user.pk))
    flow.client.client_id = str(user.pk)
    response = flow.exchange(code)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"
    assert not Token.objects.exists()


@pytest.mark.spec("OAuth 2.1", "2.4.1")
def test_a_failed_sign_in_by_password_is_remembered_by_who_counts_them(settings: Any) -> None:
    """What locks out who guesses (django-axes and its like) writes a row when sign-in fails; a refusal must not undo it."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    flow = Flow(ClientFactory(metadata__grant_types=["password"]), Browser())

    def count(**_: object) -> None:
        UserFactory(username="one failed attempt")

    user_login_failed.connect(count)
    try:
        flow.token(grant_type="password", username="somebody", password="a guess", scope="notes:read")
    finally:
        user_login_failed.disconnect(count)
    assert get_user_model().objects.filter(username="one failed attempt").exists()


class SecondFlow(Flow):
    """The figure at the second issuer."""

    def authorize(self, **params: Any) -> HttpResponse:
        request = {"response_type": "code", "client_id": self.client.client_id, "scope": "notes:read", "state": "xyz"}
        challenge = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
        return self.browser.get("/second/oauth/authorize", request | challenge | params)

    def token(self, **params: Any) -> HttpResponse:
        basic = {"Authorization": format_basic(self.client.client_id, self.client.secret)}
        return self.server.post("/second/oauth/token", urlencode(params), content_type=FORM, headers=basic)


@pytest.mark.spec("RFC 9700", "2.3")
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_nothing_of_one_issuer_is_good_at_another(flow: Flow, second: str, settings: Any, token_format: str) -> None:
    settings.OAUTH_SERVER = [one | {"access_token_format": token_format} for one in settings.OAUTH_SERVER]
    twin = ClientFactory(issuer=second, client_id=flow.client.client_id, secret=flow.client.secret)
    there = SecondFlow(twin, flow.browser)
    code = there.code()
    assert flow.exchange(code).json()["error"] == "invalid_grant"
    bought = there.exchange(code).json()
    assert flow.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"
    for token in (bought["access_token"], bought["refresh_token"]):
        assert not flow.is_active(token)
        assert flow.revoke(token).status_code == 200
    assert _call(bought["access_token"]) == 401
    assert there.refresh(bought["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 6749", "10.3")
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_what_is_no_access_token_opens_no_api(flow: Flow, second: str, settings: Any, token_format: str) -> None:
    settings.OAUTH_SERVER = [one | {"access_token_format": token_format} for one in settings.OAUTH_SERVER]
    page, code = flow.authorize().content.decode(), flow.code()
    bought = flow.exchange(code).json()
    handle = page.split('name="interaction" value="')[1].split('"')[0]
    assert _call(bought["access_token"]) == 200
    for other in (code, handle, bought["refresh_token"], flow.client.secret, flow.client.client_id):
        assert _call(other) == 401
    for other in (code, handle, bought["access_token"], flow.client.secret):
        assert flow.refresh(other).json()["error"] == "invalid_grant"
    for other in (handle, *bought.values(), flow.client.secret):
        assert flow.exchange(str(other)).json()["error"] == "invalid_grant"


def _call(token: str) -> int:
    return Browser().get("/api", headers={"Authorization": f"Bearer {token}"}).status_code
