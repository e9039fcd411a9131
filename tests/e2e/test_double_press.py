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
from tests.waiting import PATIENCE, until

CLOCK = "Object.defineProperty(Event.prototype, 'timeStamp', { get: () => 1000 * window.second })"
PRESS_TWICE = """([selector, seconds]) => {
  const press = (second) => { window.second = second; document.querySelector(selector).click(); };
  setTimeout(press, 0, 0);
  setTimeout(() => { press(seconds); console.log("pressed twice"); }, 200);
}"""
HAS_ALL_OF_THE_PAGE = "performance.getEntriesByType('navigation')[0].responseEnd > 0"

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.mark.spec("RFC 9126", "4")
@pytest.mark.parametrize("answer", ["#allow", "#deny"])
def test_the_app_gets_its_answer(example: Example, chromium: Any, app: str, answer: str) -> None:
    """However long it takes, as of a busy server or an app on a slow network: 14 seconds are not enough for another press."""
    page, posts = _asked(example, chromium, app)
    page.click("#login")
    page.wait_for_selector(answer)
    with _busy(example):
        _press_twice(page, answer, 14)
    page.wait_for_url(f"{app}?*")
    assert ("code=" if answer == "#allow" else "error=access_denied") in page.url
    assert len(posts) == 2  # signing in, and the answer
    page.context.close()


def test_who_is_still_here_may_press_again(example: Example, chromium: Any, app: str) -> None:
    """Their browser may have asked whether to open the app, and they said no."""
    page, posts = _asked(example, chromium, app)
    page.click("#login")
    page.wait_for_selector("#allow")
    with _busy(example):
        _press_twice(page, "#allow", 16)
        while len(posts) < 3:
            page.wait_for_timeout(10)
    page.context.close()


@pytest.mark.spec("RFC 9126", "4")
def test_no_button_is_there_before_the_script_that_counts_it_once(example: Example, chromium: Any, app: str) -> None:
    """As over a slow network, where a person may be faster."""
    page, posts = _asked(example, chromium, app)
    held: list[Any] = []
    page.route("**/oauth_server/once*.js", lambda route: held.append(route))
    with page.expect_request("**/oauth_server/once*.js"):
        page.click("#login", no_wait_after=True)
    until(lambda: page.evaluate(HAS_ALL_OF_THE_PAGE) and held)
    assert not page.locator("#allow, #deny").count()
    held.pop().continue_()
    page.click("#allow")
    page.wait_for_url(f"{app}?*")
    assert "code=" in page.url
    assert len(posts) == 2  # signing in, and the answer
    page.context.close()


def _asked(example: Example, chromium: Any, app: str) -> tuple[Any, list[str]]:
    """The page that asks the person to sign in, filled in, and what is posted from now on."""
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script(CLOCK)
    page.goto(_address(example, app))
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    return page, posts


def _press_twice(page: Any, answer: str, seconds: int) -> None:
    """The second time after so many *seconds*, as the page sees it, and before there is an answer."""
    with page.expect_console_message(lambda said: said.text == "pressed twice"):
        page.evaluate(PRESS_TWICE, [answer, seconds])


@contextmanager
def _busy(example: Example) -> Iterator[None]:
    """Nothing is written meanwhile."""
    database = sqlite3.connect(example.output.parent / "db.sqlite3", isolation_level=None, timeout=PATIENCE)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
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
