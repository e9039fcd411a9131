"""A client that pushes its requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.protocol.pkce import challenge_of
from tests.factories import ClientFactory
from tests.flow import AUTHORIZE, VERIFIER, Flow, answered, form, without_none

PAR = "/oauth/par"


class Pushing(Flow):
    """A client that pushes what it asks for, and sends the person with the reference."""

    def push(
        self, *, authorization: str | None = "", headers: dict[str, str] | None = None, **params: Any
    ) -> HttpResponse:
        request = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "notes:read notes:write",
            "state": "xyz",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        } | params
        proof, request = self._authenticate(authorization, request)
        return self.server.post(
            PAR, form(request), content_type="application/x-www-form-urlencoded", headers=proof | (headers or {})
        )

    def reference(self, **params: Any) -> str:
        """The reference of a request that was pushed."""
        response = self.push(**params)
        assert response.status_code == 201, response.content
        return str(response.json()["request_uri"])

    def go(self, reference: str, *, browser: Browser | None = None, **more: Any) -> HttpResponse:
        """The person comes with the reference."""
        query = without_none({"client_id": self.client.client_id, "request_uri": reference} | more)
        return (browser or self.browser).get(AUTHORIZE, query)

    def done(self, reference: str, **more: Any) -> dict[str, str]:
        """What the client is answered once the person allowed what was pushed."""
        response = self.go(reference, **more)
        return answered(response if response.status_code == 303 else self.decide(response))


@pytest.fixture
def pushing(browser: Browser, client_app: object) -> Pushing:
    """A confidential client and the person's browser."""
    return Pushing(client_app, browser)


@pytest.fixture
def public(browser: Browser) -> Pushing:
    """A public client."""
    return Pushing(ClientFactory(public=True), browser)
