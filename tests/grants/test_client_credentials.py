"""A client that asks for its own (RFC 6749 section 4.4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.conf import Resource
from django_oauth_server.models import Authorization, Token
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db

NOTES, MAIL = "https://api.example/notes", "https://api.example/mail"


@pytest.fixture(params=["opaque", "at+jwt"])
def service(request: pytest.FixtureRequest, settings: Any) -> Flow:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": request.param}
    return Flow(ClientFactory(metadata__grant_types=["client_credentials", "refresh_token"]), Browser())


def ask(flow: Flow, **params: Any) -> Any:
    return flow.token(**({"grant_type": "client_credentials", "scope": "notes:read"} | params))


@pytest.mark.spec("RFC 6749", "4.4.3")
def test_an_access_token_and_nothing_else(service: Flow) -> None:
    response = ask(service)
    assert response["Cache-Control"] == "no-store"
    assert set(response.json()) == {"access_token", "token_type", "expires_in", "scope"}
    assert not Authorization.objects.exists()
    assert Token.objects.filter(kind="refresh").count() == 0


def test_it_is_the_clients_own(service: Flow) -> None:
    seen = service.introspect(ask(service).json()["access_token"])
    assert seen["sub"] == seen["client_id"] == service.client.client_id
    assert seen["scope"] == "notes:read"
    assert "username" not in seen


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"scope": "notes:read unknown"}, "invalid_scope"),
        ({"scope": 'notes:"read'}, "invalid_scope"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"resource": [NOTES, "https://unknown.example"]}, "invalid_target"),
        ({"resource": f"{NOTES}#here"}, "invalid_target"),
    ],
)
def test_refusals(service: Flow, params: dict[str, Any], error: str) -> None:
    response = ask(service, **params)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert not Token.objects.exists()


def test_a_scope_that_the_client_did_not_register_is_refused(service: Flow) -> None:
    service.client.metadata |= {"scope": "email"}
    service.client.save()
    assert ask(service).json()["error"] == "invalid_scope"
    assert ask(service, scope="email").status_code == 200


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize("default_scopes", [(), ("email",)])
def test_without_a_scope_it_gets_what_it_may_have(
    service: Flow, settings: Any, default_scopes: tuple[str, ...]
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": default_scopes}
    service.client.metadata |= {"scope": "notes:read notes:write"}
    service.client.save()
    assert ask(service, scope=None).json()["scope"] == "notes:read notes:write"


def test_without_a_scope_and_without_any_that_it_may_have_it_is_refused(service: Flow) -> None:
    service.client.metadata |= {"scope": ""}
    service.client.save()
    assert ask(service, scope=None).json()["error"] == "invalid_scope"


@pytest.mark.spec("RFC 8707", "2")
def test_it_is_for_the_resources_that_were_asked_for(service: Flow) -> None:
    for resource, audience in ((None, ["https://as.example"]), (NOTES, [NOTES]), ([MAIL, NOTES], [MAIL, NOTES])):
        assert service.introspect(ask(service, resource=resource).json()["access_token"])["aud"] == audience


@pytest.mark.spec("RFC 9700", "2.3")
def test_it_has_no_scope_that_means_nothing_at_the_resource(service: Flow, settings: Any) -> None:
    resources = {NOTES: Resource("Notes", scopes=("notes:read",)), MAIL: Resource("Mail", scopes=("email",))}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": resources}
    assert ask(service, scope="notes:read email", resource=NOTES).json()["scope"] == "notes:read"
    assert ask(service, scope="notes:read", resource=MAIL).json()["error"] == "invalid_scope"


def test_a_disabled_client_gets_nothing_and_what_it_has_is_worth_nothing(service: Flow) -> None:
    token = ask(service).json()["access_token"]
    server = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), Browser())
    assert server.is_active(token)
    service.client.is_active = False
    service.client.save()
    assert ask(service).json()["error"] == "invalid_client"
    assert not server.is_active(token)


def test_it_takes_no_word_of_a_person(service: Flow, user: Any) -> None:
    token = ask(service, user=user.pk, username=user.username, sub=user.pk, authorization_id=1).json()["access_token"]
    assert service.introspect(token)["sub"] == service.client.client_id
