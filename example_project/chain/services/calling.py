"""How a service calls the next one for whoever called it (RFC 8693)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Final
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from django.conf import settings
from django.http import HttpRequest

_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"


def call(service: str, request: HttpRequest, scope: str) -> object:
    """What *service* answers to who sent *request*. The token of *request* is not passed on: the next service gets one that is for itself alone."""
    resource = settings.RESOURCES[service]
    token = exchanged(request.headers["Authorization"].split()[1], resource, scope)
    return _answer(Request(f"{resource}/{service}", headers={"Authorization": f"Bearer {token}"}))


def exchanged(token: str, resource: str, scope: str) -> str:
    """A token for *resource*, with which this service acts for the person whose *token* it was called with."""
    form = {
        "grant_type": _GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": _ACCESS_TOKEN,
        "resource": resource,
        "scope": scope,
    }
    basic = b64encode(f"{quote(settings.SERVICE)}:{quote(settings.CLIENT_SECRET)}".encode()).decode()
    asked = Request(f"{settings.ISSUER}/oauth/token", urlencode(form).encode(), {"Authorization": f"Basic {basic}"})
    return str(_answer(asked)["access_token"])


def _answer(request: Request) -> dict[str, object]:
    with urlopen(request, timeout=10) as answer:
        found: dict[str, object] = json.load(answer)
    return found
