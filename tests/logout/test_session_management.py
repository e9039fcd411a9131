"""OpenID Connect Session Management 1.0: an app in a browser watches who is signed in."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.test import AsyncClient as AsyncBrowser
from django.test import Client as Browser

from django_oauth_server.middleware import BrowserStateMiddleware
from tests.factories import UserFactory
from tests.flow import Flow, answered
from tests.logout.conftest import end_session, press

pytestmark = [pytest.mark.django_db, pytest.mark.spec("OpenID Connect Session Management", "2")]
COOKIE, PAGE = "oauth_browser_state", "/oauth/check-session"


def holds(session_state: str, client_id: str, origin: str, browser: Browser) -> bool:
    """What the script of the frame finds."""
    hashed, salt = session_state.split(".")
    said = f"{client_id} {origin} {browser.cookies[COOKIE].value} {salt}"
    return sha256(said.encode()).hexdigest() == hashed


def test_an_answer_holds_while_the_person_is_signed_in_and_no_longer(rp: Flow) -> None:
    given = answered(rp.decide(rp.authorize(scope="openid")))["session_state"]
    assert " " not in given
    assert holds(given, rp.client.client_id, "https://rp.example", rp.browser)
    assert holds(
        answered(rp.authorize(scope="openid"))["session_state"], rp.client.client_id, "https://rp.example", rp.browser
    )
    assert not holds(given, rp.client.client_id, "https://evil.example", rp.browser)
    press(rp.browser, end_session(rp.browser))
    assert not holds(given, rp.client.client_id, "https://rp.example", rp.browser)


@pytest.mark.requirement(16)
def test_an_error_has_it_too_and_holds_until_somebody_signs_in(rp: Flow) -> None:
    rp.browser.logout()
    refused = answered(rp.authorize(scope="openid", prompt="none"))
    assert refused["error"] == "login_required"
    assert holds(refused["session_state"], rp.client.client_id, "https://rp.example", rp.browser)


def test_another_person_is_another_state(rp: Flow) -> None:
    given = answered(rp.decide(rp.authorize(scope="openid")))["session_state"]
    rp.browser.logout()
    rp.browser.force_login(UserFactory())
    rp.authorize(scope="openid")
    assert not holds(given, rp.client.client_id, "https://rp.example", rp.browser)


@pytest.mark.parametrize("scope", ["notes:read", None])
def test_who_asks_for_no_id_token_is_not_told(rp: Flow, scope: str | None) -> None:
    response = rp.authorize(scope=scope)
    assert "session_state" not in answered(response if response.status_code == 303 else rp.decide(response))


def test_a_sign_in_anywhere_in_the_project_changes_the_cookie(client: Browser, user: Any) -> None:
    client.post("/accounts/login/", {"username": user.username, "password": "password"})
    before = client.cookies[COOKIE]
    assert (before["httponly"], before["samesite"], before["secure"]) == ("", "Lax", "")
    client.post("/accounts/logout/")
    assert client.cookies[COOKIE].value != before.value


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_is_noticed_below_an_asynchronous_server_too(user: Any) -> None:
    """No adapter stands between the middleware of such a project: each would hold a thread for as long as the view takes."""
    assert BrowserStateMiddleware.async_capable

    async def sign_in_and_out() -> list[str]:
        browser = AsyncBrowser()
        await browser.post("/accounts/login/", {"username": user.username, "password": "password"})
        before = browser.cookies[COOKIE].value
        await browser.post("/accounts/logout/")
        assert COOKIE not in (await browser.get("/.well-known/openid-configuration")).cookies
        return [before, browser.cookies[COOKIE].value]

    assert len(set(async_to_sync(sign_in_and_out)())) == 2


def test_it_can_be_read_in_a_frame_of_another_site_over_tls(client: Browser, user: Any) -> None:
    client.post("/accounts/login/", {"username": user.username, "password": "password"}, secure=True)
    cookie = client.cookies[COOKIE]
    assert (cookie["samesite"], cookie["secure"]) == ("None", True)


def test_it_says_nothing_of_the_session(rp: Flow) -> None:
    rp.code(scope="openid")
    kept = rp.browser.session["oauth_server"]["sid"]
    assert rp.browser.cookies[COOKIE].value not in (kept, rp.browser.session.session_key)


def test_who_does_not_look_at_the_session_gets_no_cookie(client: Browser) -> None:
    assert COOKIE not in client.get("/.well-known/openid-configuration").cookies
    assert COOKIE not in client.get(PAGE).cookies


@pytest.mark.requirement(49)
def test_the_frame_is_advertised_and_holds_one_script_of_the_package(client: Browser) -> None:
    found = client.get("/.well-known/openid-configuration").json()
    assert found["check_session_iframe"] == f"https://as.example{PAGE}"
    page = client.get(PAGE)
    assert page.content.count(b"<script") == 1 and b'src="/static/oauth_server/check_session.js"' in page.content
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors https: http:" in policy
    assert "X-Frame-Options" not in page


def test_without_the_middleware_it_is_not_offered(client: Browser, settings: Any, rp: Flow) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if not one.endswith("BrowserStateMiddleware")]
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER}
    assert "check_session_iframe" not in client.get("/.well-known/openid-configuration").json()
    assert "session_state" not in answered(rp.decide(rp.authorize(scope="openid")))


def test_a_session_that_could_not_be_read_is_not_asked_for_twice(rp: Flow) -> None:
    """Each time may take as long as a database takes that does not answer."""
    tried: list[str] = []

    def away(execute: Any, sql: str, *more: Any) -> Any:
        tried.append(sql)
        raise OperationalError("connection failed")

    with connection.execute_wrapper(away):
        response = rp.browser.get("/oauth/connected-apps/")
    assert response.status_code == 503
    assert len(tried) == 1
