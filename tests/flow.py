"""A client of RFC 6749 that walks the figure over Django's test client, and can be told to get any step wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.pkce import challenge_of

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
AUTHORIZE, TOKEN, REVOKE, INTROSPECT = "/oauth/authorize", "/oauth/token", "/oauth/revoke", "/oauth/introspect"
USERINFO = "/oauth/userinfo"
END_SESSION = "/oauth/end-session"


def answered(response: HttpResponse) -> dict[str, str]:
    """The parameters with which the person's browser is sent back to the client."""
    assert response.status_code == 303, response.content
    location = urlsplit(response["Location"])
    return dict(parse_qsl(location.fragment or location.query, keep_blank_values=True))


def without_none(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def told(response: HttpResponse) -> dict[str, Any]:
    """The error that a client is told, without the reference, which each refusal has of its own."""
    return {name: value for name, value in response.json().items() if name != "error_reference"}


class Flow:
    """One client and one browser. A parameter set to None is left out."""

    def __init__(self, client: Any, browser: Browser) -> None:
        self.client, self.browser, self.server = client, browser, Browser()

    @property
    def redirect_uri(self) -> str:
        return self.client.redirect_uris[0]

    def authorize(self, *, method: str = "get", **params: Any) -> HttpResponse:
        """Step (A)."""
        request = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "notes:read notes:write",
            "state": "xyz",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        } | params
        if method == "post":
            return self.browser.post(AUTHORIZE, form(request), content_type="application/x-www-form-urlencoded")
        return self.browser.get(AUTHORIZE, without_none(request))

    def decide(self, page: HttpResponse, decision: str = "allow", **more: Any) -> HttpResponse:
        """What the person presses on the consent page."""
        html = page.content.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
        action = re.search(r'action="([^"]+)"', html)
        assert action, html
        optional = re.findall(r'type="checkbox" name="scope" value="([^"]*)"', html)
        return self.browser.post(action[1], {**hidden, "scope": optional, "decision": decision, **more})

    def code(self, **params: Any) -> str:
        """Steps (A) and (B)."""
        response = self.authorize(**params)
        return answered(response if response.status_code == 303 else self.decide(response))["code"]

    def token(
        self, *, authorization: str | None = "", headers: Mapping[str, str] | None = None, **params: Any
    ) -> HttpResponse:
        """A token request, authenticated as the client registered, with further *headers*."""
        own, params = self._authenticate(authorization, params)
        return self.server.post(
            TOKEN,
            form(params),
            content_type="application/x-www-form-urlencoded",
            headers={**own, **(headers or {})},
        )

    def exchange(self, code: str, /, **params: Any) -> HttpResponse:
        """Steps (C) and (D)."""
        request = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return self.token(**(request | params))

    def tokens(self, **params: Any) -> dict[str, Any]:
        """All of (A) to (D)."""
        response = self.exchange(self.code(**params))
        assert response.status_code == 200, response.content
        return response.json()

    def refresh(self, refresh_token: str, /, **params: Any) -> HttpResponse:
        return self.token(**({"grant_type": "refresh_token", "refresh_token": refresh_token} | params))

    def revoke(self, token: str, /, **params: Any) -> HttpResponse:
        headers, params = self._authenticate("", {"token": token} | params)
        return self.server.post(REVOKE, form(params), content_type="application/x-www-form-urlencoded", headers=headers)

    def introspect(self, token: str, /, **params: Any) -> dict[str, Any]:
        headers, params = self._authenticate("", {"token": token} | params)
        response = self.server.post(
            INTROSPECT, form(params), content_type="application/x-www-form-urlencoded", headers=headers
        )
        assert response.status_code == 200, response.content
        return response.json()

    def userinfo(self, access_token: str, /) -> dict[str, Any]:
        response = self.server.get(USERINFO, headers={"Authorization": f"Bearer {access_token}"})
        assert response.status_code == 200, response.content
        return response.json()

    def is_active(self, token: str) -> bool:
        return bool(self.introspect(token)["active"])

    def _authenticate(self, authorization: str | None, params: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
        if self.client.is_public:
            return {}, {"client_id": self.client.client_id} | params
        if authorization is None:
            return {}, params
        return {"Authorization": authorization or format_basic(self.client.client_id, self.client.secret)}, params


def form(params: dict[str, Any]) -> str:
    """The body of a POST."""
    return urlencode(without_none(params), doseq=True)
