"""`with_token`: the tokens are real, and so is all that verifies them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import TestCase
from django.utils import timezone

from django_oauth_server.models import Authorization, Token
from django_oauth_server.registry import default_issuer
from django_oauth_server.testing.clients import AsyncClient, Client
from django_oauth_server.testing.drf import APIClient
from django_oauth_server.testing.tokens import issue_token
from django_oauth_server.tokens.verify import verify_access_token
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.urls("tests.testing.urls"), pytest.mark.django_db(transaction=True)]

PATHS = ["/notes", "/async-notes", "/rest-notes"]
CLIENTS = [Client, APIClient]
FORMATS = ["opaque", "at+jwt"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("make", CLIENTS)
def test_a_persons_token(make: Any, path: str, format: str) -> None:
    alice, notebook = UserFactory(), ClientFactory(client_id="notebook")
    caller = make().with_token(scopes="notes:read", user=alice, client=notebook, format=format)
    answer = caller.get(path)
    assert answer.status_code == 200
    assert answer.json() == {
        "issuer": "https://as.example",
        "subject": str(alice.pk),
        "client": "notebook",
        "scopes": ["notes:read"],
        "audience": ["https://as.example"],
        "acr": None,
    }


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("make", CLIENTS)
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"scopes": "notes:read"}, 200),
        ({"scopes": ["email", "notes:read"]}, 200),
        ({"scopes": "notes:read", "audience": "https://as.example https://api.example/mail"}, 200),
        ({}, 403),
        ({"scopes": "email"}, 403),
        ({"scopes": "notes:read", "expires_in": timedelta(seconds=-1)}, 401),
        ({"scopes": "notes:read", "audience": "https://elsewhere.example"}, 401),
    ],
)
def test_what_is_said_decides(make: Any, format: str, said: dict[str, Any], status: int) -> None:
    assert make().with_token(format=format, **said).get("/notes").status_code == status


def test_the_test_clients_need_nothing_but_django(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = UserFactory()
    monkeypatch.setitem(sys.modules, "factory", None)
    for module in ("tokens", "factories"):
        monkeypatch.delitem(sys.modules, f"django_oauth_server.testing.{module}", raising=False)
    answer = Client().with_token(scopes="notes:read", user=alice).get("/notes")
    assert (answer.status_code, answer.json()["subject"]) == (200, str(alice.pk))


async def asked(path: str, **said: Any) -> Any:
    return await (await AsyncClient().awith_token(**said)).get(path)


@pytest.mark.parametrize("path", PATHS)
def test_an_async_test(path: str) -> None:
    from asgiref.sync import async_to_sync

    alice = UserFactory()
    answer = async_to_sync(asked)(path, scopes="notes:read", user=alice)
    assert (answer.status_code, answer.json()["subject"]) == (200, str(alice.pk))


@pytest.mark.parametrize("make", CLIENTS)
def test_two_callers_are_two(make: Any) -> None:
    nobody = make()
    reader, stranger = nobody.with_token(scopes="notes:read"), nobody.with_token(scopes="email")
    assert [one.get("/notes").status_code for one in (nobody, reader, stranger, reader)] == [401, 200, 403, 200]


def test_a_session_is_left_behind() -> None:
    browser = Client()
    browser.force_login(UserFactory())
    assert not browser.with_token(scopes="notes:read").cookies
    assert browser.cookies


def test_nobody_is_authenticated_by_force() -> None:
    client = APIClient()
    client.force_authenticate(UserFactory())
    assert client.with_token(scopes="notes:read").get("/rest-notes").status_code == 200
    client.with_token(scopes="notes:read").force_authenticate(None)
    assert client.handler._force_user is not None


def test_a_header_of_the_request_comes_first() -> None:
    reader = Client(headers={"Accept-Language": "de"}).with_token(scopes="notes:read")
    assert reader.get("/notes", headers={"Authorization": "Bearer unknown"}).status_code == 401
    assert reader.get("/notes").wsgi_request.headers["Accept-Language"] == "de"


def test_a_token_that_is_made_is_sent_as_it_is(access_token: Callable[..., str]) -> None:
    token = access_token(scopes="notes:read")
    assert Client().with_token(token).get("/notes").status_code == 200
    with pytest.raises(TypeError, match="by itself"):
        Client().with_token(token, scopes="email")


@pytest.mark.parametrize("format", FORMATS)
def test_consent_is_recorded_once_and_made_wider(access_token: Callable[..., str], format: str) -> None:
    alice, app = UserFactory(), ClientFactory()
    for scope in ("notes:read", "email"):
        access_token(scopes=scope, user=alice, client=app, format=format)
    assert Authorization.objects.get().scopes == {"notes:read", "email"}
    assert {token.scope for token in Token.objects.all()} == {"notes:read", "email"}


def test_revoking_the_authorization_ends_the_token() -> None:
    alice = UserFactory()
    caller = Client().with_token(scopes="notes:read", user=alice)
    assert caller.get("/notes").status_code == 200
    Authorization.objects.update(is_live=None, revoked_at=timezone.now())
    assert caller.get("/notes").status_code == 401


@pytest.mark.parametrize("where", ["issuer", "client"])
def test_the_format_is_what_the_server_would_choose(
    settings: Any, access_token: Callable[..., str], where: str
) -> None:
    if where == "issuer":
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}
    app = ClientFactory(access_token_format="at+jwt" if where == "client" else "")
    assert access_token(client=app).count(".") == 2
    assert not Token.objects.exists(), "a client's own JWT is not stored"


def test_the_audience_is_the_projects_resource(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"resource": ["https://api.example/notes", "https://api.example/mail"]}
    answer = Client().with_token(scopes="notes:read").get("/notes")
    assert answer.json()["audience"] == ["https://api.example/notes"]


@pytest.mark.spec("RFC 9470", "6.2")
@pytest.mark.parametrize("format", FORMATS)
def test_the_sign_in_is_said(format: str) -> None:
    alice, now = UserFactory(), timezone.now()

    def status(**said: Any) -> int:
        return Client().with_token(user=alice, format=format, **said).get("/stepped-up").status_code

    assert status(acr="phr", auth_time=now) == 200
    assert status(acr="phr", auth_time=now - timedelta(hours=1)) == 401
    assert status(acr="pwd", auth_time=now) == 401
    assert status() == 401


class InATestCase(TestCase):
    client_class = Client

    def test_the_client_of_a_test_case(self) -> None:
        alice = get_user_model().objects.create_user("alice")
        answer = self.client.with_token(scopes="notes:read", user=alice).get("/notes")
        self.assertEqual(answer.json()["subject"], str(alice.pk))


def test_the_fixture_registers_a_client(oauth_client_app: Any, client: Any) -> None:
    assert oauth_client_app.secret.startswith("oas_cs_")
    assert oauth_client_app.has_secret(oauth_client_app.secret, timezone.now())


def test_a_token_can_be_issued_where_another_process_issued_one() -> None:
    for _ in range(2):
        ClientFactory.reset_sequence(0)  # as in a process that has just begun
        UserFactory.reset_sequence(0)
        assert issue_token(scopes="notes:read", user=UserFactory()).startswith("oas_at_")


@pytest.mark.parametrize("format", FORMATS)
def test_what_was_settled_is_said(format: str) -> None:
    alice, notebook, issuer = UserFactory(), ClientFactory(), default_issuer()
    for team in ("A", "B"):
        value = issue_token(scopes="notes:read", user=alice, client=notebook, format=format, facts={"team": team})
        assert verify_access_token(value, {str(issuer): issuer}, timezone.now()).claims["team"] == team
    assert Authorization.objects.filter(user=alice, is_live=True).count() == 2
