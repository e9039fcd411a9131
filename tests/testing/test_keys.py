"""Test clients whose token is bound to a key prove possession of it with each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, JsonResponse
from django.urls import path
from ninja import NinjaAPI
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from django_oauth_server.models import Token
from django_oauth_server.testing.clients import AsyncClient, Client
from django_oauth_server.testing.drf import APIClient
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.testing.ninja import TestAsyncClient, TestClient
from django_oauth_server.testing.tokens import issue_token
from tests.resource.bindings.seal import SEALED

pytestmark = pytest.mark.urls("tests.testing.test_keys")


class Rose:
    """A key as `tests.resource.bindings.seal` asks for it, whose proof says what it is for."""

    scheme = "Seal"
    confirmation = SEALED

    def headers(self, method: str, path: str, token: str) -> Mapping[str, str]:
        return {"Seal": f"rose {method} {path} {token}"}


def told(request: HttpRequest) -> dict[str, str | None]:
    return {name: request.headers.get(name) for name in ("Authorization", "Seal")}


def view(request: HttpRequest, **kwargs: str) -> JsonResponse:
    return JsonResponse(told(request))


@api_view(["GET", "POST"])
def rest(request: Request) -> Response:
    return Response(told(request._request))


api = NinjaAPI(urls_namespace="keys")


@api.get("/notes")
def notes(request: HttpRequest) -> Any:
    return told(request)


@api.get("/async-notes")
async def async_notes(request: HttpRequest) -> Any:
    return told(request)


urlpatterns = [path("notes", view), path("notes/<name>", view), path("rest", rest)]


@pytest.mark.parametrize(
    "make, method, asked, seen",
    [
        (Client, "get", "/notes", "/notes"),
        (Client, "post", "/notes", "/notes"),
        (Client, "get", "/notes?since=1", "/notes"),
        (Client, "get", "http://testserver/notes/caf%C3%A9", "/notes/café"),
        (APIClient, "get", "/rest", "/rest"),
        (APIClient, "post", "/rest", "/rest"),
        (TestClient, "get", "/notes", "/notes"),
    ],
)
def test_each_request_brings_a_proof_of_its_own(make: Any, method: str, asked: str, seen: str) -> None:
    client = make(api) if make is TestClient else make()
    said = getattr(client.with_token("token", key=Rose()), method)(asked).json()
    assert said == {"Authorization": "Seal token", "Seal": f"rose {method.upper()} {seen} token"}


def test_so_it_does_in_an_async_test() -> None:
    async def ask() -> list[Any]:
        django = await AsyncClient().awith_token("token", key=Rose())
        ninja = await TestAsyncClient(api).awith_token("token", key=Rose())
        return [(await django.get("/notes")).json(), (await ninja.get("/async-notes")).json()]

    said = async_to_sync(ask)()
    assert [one["Seal"] for one in said] == ["rose GET /notes token", "rose GET /async-notes token"]
    assert {one["Authorization"] for one in said} == {"Seal token"}


@pytest.mark.parametrize("make", [Client, APIClient])
def test_a_header_that_a_test_says_itself_is_left(make: Any) -> None:
    caller = make().with_token("token", key=Rose())
    assert caller.get("/notes", headers={"Seal": "none"}).json()["Seal"] == "none"


@pytest.mark.parametrize("make", [Client, APIClient])
def test_a_client_with_a_bearer_token_after_it_proves_nothing(make: Any) -> None:
    said = make().with_token("token", key=Rose()).with_token("other").get("/notes").json()
    assert said == {"Authorization": "Bearer other", "Seal": None}


@pytest.mark.spec("RFC 7800", "3.1")
def test_a_token_is_issued_for_a_key(db: None, fake_issuer: FakeIssuer) -> None:
    assert fake_issuer.verifier().verify(fake_issuer.token("notes:read", key=Rose())).confirmation == SEALED
    issue_token(scopes="notes:read", format="opaque", key=Rose())
    assert Token.objects.get().facts == {"cnf": SEALED}
