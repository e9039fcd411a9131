"""A person presses Allow twice, in a real Chromium. A request that was pushed is answered once, and the app has to get that answer."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from django_oauth_server.protocol.pkce import challenge_of
from tests.e2e.clients.conftest import register_at
from tests.e2e.conftest import Example
from tests.e2e.test_popup import app as app
from tests.flow import VERIFIER

PRESS_TWICE = """selector => {
  for (const after of [0, 200]) setTimeout(() => document.querySelector(selector).click(), after);
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.mark.spec("RFC 9126", "4")
@pytest.mark.parametrize("answer", ["#allow", "#deny"])
def test_the_app_gets_its_answer(example: Example, chromium: Any, app: str, answer: str) -> None:
    page, posts = _asked(example, chromium, app)
    page.click("#login")
    page.wait_for_selector(answer)
    with _busy(example):
        page.evaluate(PRESS_TWICE, answer)
        page.wait_for_timeout(500)
    page.wait_for_url(f"{app}?*")
    assert ("code=" if answer == "#allow" else "error=access_denied") in page.url
    assert len(posts) == 2  # signing in, and the answer
    page.context.close()


@pytest.mark.spec("RFC 9126", "4")
def test_it_gets_its_answer_over_a_slow_network(example: Example, chromium: Any, app: str) -> None:
    page, posts = _asked(example, chromium, app)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 600, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    page.click("#login", no_wait_after=True)
    page.wait_for_selector("#allow")
    page.evaluate(PRESS_TWICE, "#allow")
    page.wait_for_url(f"{app}?*")
    assert "code=" in page.url
    assert len(posts) == 2  # signing in, and the answer
    page.context.close()


def _asked(example: Example, chromium: Any, app: str) -> tuple[Any, list[str]]:
    """The page that asks the person to sign in, filled in, and what is posted from now on."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(_address(example, app))
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    return page, posts


@contextmanager
def _busy(example: Example) -> Iterator[None]:
    """Nothing is written meanwhile."""
    database = sqlite3.connect(example.output.parent / "db.sqlite3", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("ROLLBACK")
    database.close()


def _address(example: Example, app: str) -> str:
    client = register_at(example)(
        client_name="App", redirect_uris=[app], token_endpoint_auth_method="none", scope="notes:read"
    )
    asked = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": app,
        "scope": "notes:read",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    with urllib.request.urlopen(f"{example.url}/oauth/par", urlencode(asked).encode()) as pushed:
        reference = json.load(pushed)["request_uri"]
    return f"{example.url}/oauth/authorize?{urlencode({'client_id': client['client_id'], 'request_uri': reference})}"
