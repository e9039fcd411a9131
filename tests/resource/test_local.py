"""Steps (E) and (F) side by side with the authorization server: what ends, ends at once on a protected view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from django_oauth_server.models import Authorization, Client, Token
from tests.factories import TokenFactory

pytestmark = [pytest.mark.urls("tests.resource.urls"), pytest.mark.django_db(transaction=True)]

MECHANISMS = ["/rest-view", "/rest-function", "/function", "/class", "/async-function", "/async-class"]


@pytest.fixture(autouse=True)
def resource_server(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {}


def disable_client(token: Any) -> None:
    Client.objects.update(is_active=False)


def disable_user(token: Any) -> None:
    type(token.authorization.user).objects.update(is_active=False)


def change_password(token: Any) -> None:
    token.authorization.user.set_password("another")
    token.authorization.user.save()


def revoke_authorization(token: Any) -> None:
    Authorization.objects.update(is_live=None)


def revoke_token(token: Any) -> None:
    Token.objects.update(revoked_at=token.issued_at)


def let_expire(token: Any) -> None:
    Token.objects.update(expires_at=token.issued_at - timedelta(seconds=1))


def delete(token: Any) -> None:
    Token.objects.all().delete()


def make_it_a_refresh_token(token: Any) -> None:
    Token.objects.update(kind=Token.Kind.REFRESH)


ENDS = [
    disable_client,
    disable_user,
    change_password,
    revoke_authorization,
    revoke_token,
    let_expire,
    delete,
    make_it_a_refresh_token,
]


@pytest.mark.parametrize("path", MECHANISMS)
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_ends_ends_at_once(call: Callable[..., Any], path: str, end: Callable[[Any], None]) -> None:
    token = TokenFactory()
    bearer = f"Bearer {token.value}"
    allowed = call(path, authorization=bearer)
    assert allowed.status_code == 200
    assert allowed.json()["user"] == token.authorization.user.username
    end(token)
    refused = call(path, authorization=bearer)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused["WWW-Authenticate"]


@pytest.mark.spec("RFC 9700", "2.3")
@pytest.mark.parametrize("path", MECHANISMS)
def test_a_token_for_another_resource_is_refused(call: Callable[..., Any], path: str) -> None:
    token = TokenFactory(audience=["https://api.example/mail"])
    assert call(path, authorization=f"Bearer {token.value}").status_code == 401


@pytest.mark.parametrize("path", MECHANISMS)
def test_a_clients_own_token_is_nobodys(call: Callable[..., Any], path: str) -> None:
    owner = TokenFactory()
    token = TokenFactory(authorization=None, client=owner.client)
    seen = call(path, authorization=f"Bearer {token.value}")
    assert (seen.status_code, seen.json()["user"]) == (200, None)
