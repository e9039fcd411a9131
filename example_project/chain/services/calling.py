"""How a service calls the next one for whoever called it (RFC 8693)."""

from __future__ import annotations

import json
from base64 import b64encode
from http.client import HTTPException, HTTPResponse
from typing import Final
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPErrorProcessor, Request, build_opener

from django.conf import settings
from django.http import HttpRequest

_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
_LONGEST_ANSWER: Final = 1024 * 1024


class CallFailed(Exception):
    """The issuer or the next service refuses, redirects, or gives no answer that can be read. The text is for the log."""

    def __init__(self, url: str, reason: object, error: object = "temporarily_unavailable") -> None:
        super().__init__(f"{url}: {reason}")
        self.error = str(error)
        """The error code, which is all that a caller is told."""


class _NoRedirects(HTTPErrorProcessor):
    """Refuses redirects: urllib would send the token, or the client secret, to whatever host a redirect names."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        if 300 <= response.status < 400:
            raise URLError(f"{response.status}, a redirect")
        return response

    https_response = http_response


_OPENER: Final = build_opener(_NoRedirects)


def call(service: str, request: HttpRequest, scope: str) -> object:
    """What *service* answers to who sent *request*. The token of *request* is not passed on: the next service gets one that is for itself alone."""
    resource = settings.RESOURCES[service]
    token = exchanged(request.headers["Authorization"].split()[1], resource, scope)
    return _answer(Request(f"{resource}/{service}", headers={"Authorization": f"Bearer {token}"}))


def exchanged(token: str, resource: str, scope: str) -> str:
    """A token for *resource*, with which this service acts for the person whose *token* it was called with.

    A service that calls the next one often keeps it, for this *token* alone, until `expires_in` is over.
    """
    form = {
        "grant_type": _GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": _ACCESS_TOKEN,
        "resource": resource,
        "scope": scope,
    }
    basic = b64encode(f"{quote(settings.SERVICE)}:{quote(settings.CLIENT_SECRET)}".encode()).decode()
    asked = Request(f"{settings.ISSUER}/oauth/token", urlencode(form).encode(), {"Authorization": f"Basic {basic}"})
    new = _answer(asked).get("access_token")
    if not isinstance(new, str):
        raise CallFailed(asked.full_url, "no access_token")
    return new


def _answer(request: Request) -> dict[str, object]:
    try:
        with _OPENER.open(request, timeout=10) as answer:
            found = json.loads(answer.read(_LONGEST_ANSWER))
    except (OSError, HTTPException, ValueError) as exc:
        raise CallFailed(request.full_url, exc) from exc
    if not isinstance(found, dict):
        raise CallFailed(request.full_url, "no JSON object")
    if answer.status != 200:
        error, description = found.get("error", "server_error"), found.get("error_description")
        raise CallFailed(request.full_url, f"{answer.status}, {error!r}, {description!r}", error)
    return found
