"""Somebody who registers a client, over HTTP alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.models import Client
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.protocol.opaque import INITIAL_ACCESS_TOKEN, digest, generate

REGISTER = "/oauth/register"
JSON = "application/json"


class Registrant:
    """What a developer's program sends, and what it holds."""

    def __init__(self) -> None:
        self.server = Browser(raise_request_exception=False)
        self.information: dict[str, Any] = {}

    def register(self, token: str = "", /, **document: Any) -> HttpResponse:
        """An answer that is good is kept."""
        asked = {"redirect_uris": ["https://client.example/callback"], "client_name": "Notebook"} | document
        response = self.call("POST", REGISTER, asked, token)
        if response.status_code == 201:
            self.information = response.json()
        return response

    def registered(self, token: str = "", /, **document: Any) -> dict[str, Any]:
        response = self.register(token, **document)
        assert response.status_code == 201, response.content
        return self.information

    @property
    def row(self) -> Client:
        return Client.objects.get(client_id=self.information["client_id"])

    @property
    def document(self) -> dict[str, Any]:
        """The whole of it, as a client sends it back."""
        issued = ("client_secret", "client_secret_expires_at", "client_id_issued_at")
        ours = (*issued, "registration_access_token", "registration_client_uri")
        return {name: value for name, value in self.information.items() if name not in ours}

    def manage(self, method: str, document: Any = None, *, token: str | None = None) -> HttpResponse:
        """At the address that the answer named, with the token that it brought."""
        path = self.information["registration_client_uri"].removeprefix("https://as.example")
        presented = self.information["registration_access_token"] if token is None else token
        return self.call(method, path, document, presented)

    def update(self, *, token: str | None = None, **changes: Any) -> HttpResponse:
        return self.manage("PUT", self.document | changes, token=token)

    def call(self, method: str, path: str, document: Any = None, token: str = "") -> HttpResponse:
        body = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.server.generic(method, path, body, content_type=JSON, headers=headers)


@pytest.fixture
def registrant(db: None) -> Registrant:
    return Registrant()


@pytest.fixture
def protected(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "protected"}


def initial_access_token(**columns: Any) -> tuple[InitialAccessToken, str]:
    """One that is good, and its value."""
    value = generate(INITIAL_ACCESS_TOKEN)
    columns = {"issuer": "https://as.example", "label": "Partner"} | columns
    return InitialAccessToken.objects.create(digest=digest(value), **columns), value


def refused(response: HttpResponse, status: int, error: str, *words: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error), response.content
    assert response["Content-Type"] == JSON
    assert response["Cache-Control"] == "no-store"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response.content.isascii()
    for word in words:
        assert word in response.json().get("error_description", "")
