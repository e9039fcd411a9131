"""Attacks on step (C) to (F): on tokens, and on who they are taken for."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Client, Token
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db


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
