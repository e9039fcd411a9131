"""A resource server that trusts one issuer, whose tokens are bound to a key; a shared cache remembers proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import caches
from django.http import HttpResponse
from django.test import AsyncClient, Client

from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.testing.proofs import DPoPKey

API = "https://api.example"
Ask = Callable[..., HttpResponse]


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(audience=API)


@pytest.fixture(autouse=True)
def resource_server(settings: Any, issuer: FakeIssuer) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "proofs"},
    }
    caches["default"].clear()
    settings.OAUTH_RESOURCE_SERVER = {
        "verifier": issuer.verifier(),
        "resource": API,
        "protected_prefixes": {"/prefix/": None},
        "dpop": {"cache": "default"},
    }
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]
    settings.ROOT_URLCONF = "tests.resource.bindings.seal"


@pytest.fixture
def declare(settings: Any) -> Callable[..., None]:
    """Say more in the group of settings."""

    def say(**said: object) -> None:
        now = settings.OAUTH_RESOURCE_SERVER
        settings.OAUTH_RESOURCE_SERVER = now | {"dpop": now["dpop"] | said}

    return say


@pytest.fixture
def key() -> DPoPKey:
    return DPoPKey()


@pytest.fixture
def token(issuer: FakeIssuer, key: DPoPKey) -> str:
    return issuer.token("notes:read", sub="alice", key=key)


@pytest.fixture
def ask() -> Ask:
    """Send a request with a token and whatever proves something: async views over ASGI, the others over WSGI."""

    def send(
        path: str, token: str = "", proof: str = "", *, scheme: str = "DPoP", method: str = "GET", **more: Any
    ) -> HttpResponse:
        headers = {"Authorization": f"{scheme} {token}"} if token else {}
        headers |= {"DPoP": proof} if proof else {}
        if path.startswith("/async"):
            answer: HttpResponse = async_to_sync(getattr(AsyncClient(), method.lower()))(path, headers=headers, **more)
            return answer
        return Client().generic(method, path, headers=headers, **more)

    return send
