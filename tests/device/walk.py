"""A device, and a person at a browser elsewhere (RFC 8628), who can be told to get any step wrong."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.grants.device_code import DeviceCode
from tests.factories import ClientFactory
from tests.flow import Flow, without_none

DEVICE_AUTHORIZATION, PAGE = "/oauth/device_authorization", "/device"
GRANT_TYPE = DeviceCode.name
TV = "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36"


def television(*, public: bool = True, **more: Any) -> Any:
    """A client that is registered for the grant."""
    return ClientFactory(public=public, **{"metadata__grant_types": [GRANT_TYPE, "refresh_token"]} | more)


class Device(Flow):
    """A device of *client*, and the browser of a person."""

    def ask(self, **params: Any) -> HttpResponse:
        """Step (A)."""
        headers, params = self._authenticate("", {"scope": "notes:read notes:write"} | params)
        return self.server.post(
            DEVICE_AUTHORIZATION,
            urlencode(without_none(params), doseq=True),
            content_type="application/x-www-form-urlencoded",
            headers={"User-Agent": TV, **headers},
        )

    def codes(self, **params: Any) -> dict[str, Any]:
        """Steps (A) and (B)."""
        response = self.ask(**params)
        assert response.status_code == 200, response.content
        return response.json()

    def type(self, code: str, /) -> HttpResponse:
        """Step (D), as far as the page that asks whether it is this device."""
        return self.browser.post(PAGE, urlencode({"user_code": code}), content_type="application/x-www-form-urlencoded")

    def confirm(self, code: str, /) -> HttpResponse:
        """As far as what is asked after that."""
        return self.follow(self.decide(self.type(code), "continue"))

    def allow(self, code: str, /) -> HttpResponse:
        """All of step (D)."""
        return self.decide(self.confirm(code))

    def follow(self, response: HttpResponse) -> HttpResponse:
        assert response.status_code == 303, response.content
        return self.browser.get(response["Location"])

    def poll(self, device_code: str, /, **params: Any) -> HttpResponse:
        """Steps (E) and (F)."""
        return self.token(**({"grant_type": GRANT_TYPE, "device_code": device_code} | params))

    def error(self, device_code: str, /, **params: Any) -> str:
        response = self.poll(device_code, **params)
        assert response.status_code == 400, response.content
        return str(response.json()["error"])


def stranger() -> Browser:
    return Browser(enforce_csrf_checks=True)


def words(response: HttpResponse) -> str:
    """What is read on a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())
