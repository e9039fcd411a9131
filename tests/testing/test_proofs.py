"""`DPoPKey`: the proofs of a test client are those of a good client, and any of them can be spoilt."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest
from ninja import NinjaAPI

from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.resource import ninja
from django_oauth_server.testing.clients import AsyncClient, Client
from django_oauth_server.testing.drf import APIClient
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.testing.ninja import TestAsyncClient, TestClient
from django_oauth_server.testing.proofs import DPoPKey
from django_oauth_server.testing.tokens import issue_token

pytestmark = [pytest.mark.urls("tests.testing.urls"), pytest.mark.django_db(transaction=True)]

api = NinjaAPI(urls_namespace="proofs")


@api.get("/notes", auth=ninja.requires("notes:read"))
def notes(request: Any) -> dict[str, Any]:
    return {"scheme": request.auth.scheme}


@api.get("/async-notes", auth=ninja.requires("notes:read"))
async def async_notes(request: HttpRequest) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("make", [Client, APIClient])
@pytest.mark.parametrize("path", ["/notes", "/rest-notes", "/async-notes"])
def test_a_client_with_a_key_gets_in_as_often_as_it_likes(make: Any, path: str, alg: str) -> None:
    caller = make().with_token(scopes="notes:read", key=DPoPKey(alg))
    assert [caller.get(path).status_code for _ in range(2)] == [200, 200]


def test_so_do_those_of_an_issuer_in_this_process(fake_issuer: FakeIssuer) -> None:
    key = DPoPKey()
    token = fake_issuer.token("notes:read", key=key)
    assert Client().with_token(token, key=key).get("/notes").status_code == 200
    assert TestClient(api).with_token(token, key=key).get("/notes?since=1").status_code == 200
    assert Client().with_token(token, key=DPoPKey()).get("/notes").status_code == 401
    assert Client().with_token(token).get("/notes").status_code == 401


def test_async_clients_prove_too(fake_issuer: FakeIssuer) -> None:
    async def ask() -> list[int]:
        key = DPoPKey()
        token = fake_issuer.token("notes:read", key=key)
        django = await AsyncClient().awith_token(token, key=key)
        ninja_client = await TestAsyncClient(api).awith_token(token, key=key)
        return [(await django.get("/async-notes")).status_code, (await ninja_client.get("/async-notes")).status_code]

    assert async_to_sync(ask)() == [200, 200]


def test_below_a_path(settings: Any, fake_issuer: FakeIssuer) -> None:
    settings.FORCE_SCRIPT_NAME = "/mounted"
    key = DPoPKey()
    token = fake_issuer.token("notes:read", key=key)
    assert Client().with_token(token, key=key).get("/notes").status_code == 200


def test_a_proof_can_be_spoilt() -> None:
    key = DPoPKey()
    token = issue_token(scopes="notes:read", key=key)
    spoilt = key.proof("GET", "https://as.example/notes", token, htm="POST")
    assert Client().get("/notes", headers={"Authorization": f"DPoP {token}", "DPoP": spoilt}).status_code == 401


def test_nothing_private_is_shown() -> None:
    assert repr(DPoPKey()) == "DPoPKey('ES256')"
