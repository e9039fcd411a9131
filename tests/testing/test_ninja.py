"""django-ninja's test clients with a token."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from ninja import NinjaAPI

from django_oauth_server.resource.admission import aidentify, identify
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.testing.ninja import TestAsyncClient, TestClient
from tests.factories import UserFactory

api = NinjaAPI(urls_namespace="testing")


@api.get("/notes")
def notes(request: HttpRequest) -> dict[str, Any]:
    return told(identify(request))


@api.get("/async-notes")
async def async_notes(request: HttpRequest) -> dict[str, Any]:
    return told(await aidentify(request))


def told(outcome: object) -> dict[str, Any]:
    return {"subject": outcome.subject if isinstance(outcome, VerifiedToken) else None}


def test_a_token_is_sent(fake_issuer: FakeIssuer) -> None:
    nobody = TestClient(api, headers={"Accept-Language": "de"}, COOKIES={"sessionid": "1"})
    alice = nobody.with_token(fake_issuer.token("notes:read", sub="alice"))
    assert alice.get("/notes").json() == {"subject": "alice"}
    assert nobody.get("/notes").json() == {"subject": None}
    assert (alice.cookies, alice.headers["Accept-Language"]) == ({}, "de")


def test_a_token_is_sent_in_an_async_test(fake_issuer: FakeIssuer) -> None:
    async def subject() -> Any:
        alice = await TestAsyncClient(api).awith_token(fake_issuer.token(sub="alice"))
        return (await alice.get("/async-notes")).json()["subject"]

    assert async_to_sync(subject)() == "alice"


def test_a_token_is_issued(db: None) -> None:
    user = UserFactory()
    assert TestClient(api).with_token(scopes="notes:read", user=user).get("/notes").json() == {"subject": str(user.pk)}
