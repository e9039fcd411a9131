"""A relying party that signs people out, and the browser of one who is signed in to it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from tests.factories import ClientFactory
from tests.flow import END_SESSION, Flow

BACK = "https://rp.example/signed-out"


@pytest.fixture
def relying_party(db: None) -> Any:
    return ClientFactory(
        metadata__redirect_uris=["https://rp.example/callback"],
        metadata__post_logout_redirect_uris=[BACK, "https://rp.example/bye?from=as"],
    )


@pytest.fixture
def rp(browser: Browser, relying_party: Any) -> Flow:
    """The whole figure for the relying party."""
    return Flow(relying_party, browser)


@pytest.fixture
def hint(rp: Flow) -> str:
    """An ID token of the relying party."""
    return rp.tokens(scope="openid")["id_token"]


def end_session(browser: Browser, **params: Any) -> HttpResponse:
    return browser.get(END_SESSION, params)


def press(browser: Browser, page: HttpResponse, decision: str = "sign_out") -> HttpResponse:
    """What the person presses on the page that asks."""
    html = page.content.decode()
    assert 'id="logout-confirm"' in html, html
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    action = re.search(r'action="([^"]+)"', html)
    assert action
    answer = {name: unescape(value) for name, value in hidden.items()} | {"decision": decision}
    return browser.post(action[1], urlencode(answer), content_type="application/x-www-form-urlencoded")


def signed_in(browser: Browser) -> bool:
    return "_auth_user_id" in browser.session


def asks(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="logout-confirm"' in response.content.decode()
