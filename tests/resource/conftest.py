"""A resource server with a verifier of its own, called through real URLs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient, Client

Call = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def resource_server(settings):
    settings.OAUTH_RESOURCE_SERVER = {"verifier": "tests.resource.verifiers.KnownTokens", "bindings": []}


@pytest.fixture
def call() -> Call:
    """Send a request: async views over ASGI, the others over WSGI, and CSRF checked by both."""

    def send(
        path: str,
        method: str = "GET",
        *,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> HttpResponse:
        headers = {**(headers or {}), **({} if authorization is None else {"Authorization": authorization})}
        if path.startswith("/async"):
            client = AsyncClient(enforce_csrf_checks=True, raise_request_exception=False)
            return async_to_sync(getattr(client, method.lower()))(path, headers=headers, **more)
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        return getattr(client, method.lower())(path, headers=headers, **more)

    return send
