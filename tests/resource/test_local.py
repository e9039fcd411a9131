"""Steps (E) and (F) side by side with the authorization server: what ends, ends at once on a protected view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.db import OperationalError

from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.storage.revoked import look_again
from django_oauth_server.testing.tokens import issue_token
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


def no_database(*args: object, **kwargs: object) -> NoReturn:
    raise OperationalError("connection refused")


@pytest.mark.spec("RFC 9110", "15.6.4")
@pytest.mark.parametrize("path", MECHANISMS)
def test_a_token_that_the_database_cannot_be_asked_about_is_not_refused(
    call: Callable[..., Any], path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = TokenFactory()
    monkeypatch.setattr("django_oauth_server.tokens.verify.find_token", no_database)
    answer = call(path, authorization=f"Bearer {token.value}")
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer["Retry-After"] and "WWW-Authenticate" not in answer
    (line,) = [one for one in caplog.messages if "cannot be verified" in one]
    assert "connection refused" in line and token.value not in line


def test_neither_is_a_jwt_whose_revocation_cannot_be_read(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = issue_token(format="at+jwt", scopes="notes:read")
    assert call("/function", authorization=f"Bearer {token}").status_code == 200
    look_again()
    monkeypatch.setattr("django_oauth_server.storage.revoked._news", no_database)
    answer = call("/function", authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    (line,) = [one for one in caplog.messages if "cannot be verified" in one]
    assert "connection refused" in line
