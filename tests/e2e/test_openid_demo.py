"""OpenID Connect, walked by a real Chromium in the demo relying party, which verifies what it is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.e2e.conftest import Example
from tests.e2e.test_demo import Look, look, page, sign_in

__all__ = ["look", "page"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.browser]

SIGNED_IN = "#status:has-text('Signed in. The ID token is')"


def enter(page: Any, example: Example, button: str = "sign-in") -> None:
    page.goto(f"{example.url}/demo/oidc/")
    page.click(f"#{button}")
    sign_in(page, example)
    page.click("#allow")
    page.wait_for_selector(SIGNED_IN)


def test_from_the_request_to_signing_out(page: Any, example: Example, look: Look) -> None:
    page.goto(f"{example.url}/demo/oidc/")
    page.wait_for_selector("#status:has-text('Not signed in yet')")
    look(page, "openid-before")
    page.click("#sign-in")
    page.wait_for_selector("#login")
    assert "Doorplate" in page.inner_text("main")
    look(page, "openid-sign-in")
    sign_in(page, example)
    page.wait_for_selector("#allow")
    look(page, "openid-consent")
    page.click("#allow")

    page.wait_for_selector(SIGNED_IN)
    assert "code=" not in page.url
    assert "RS256" in page.inner_text("#fields-E")
    assert example.url in page.inner_text("#fields-F")
    assert "Ada Example" not in page.inner_text("#fields-F")  # userinfo has it
    page.click("#userinfo")
    page.wait_for_selector("#fields-H >> text=Ada Example")
    assert "demo@example.com" in page.inner_text("#fields-H")
    look(page, "openid-known")

    first = page.inner_text("#fields-D")
    page.click("#refresh")
    page.wait_for_selector("#status:has-text('about the same person')")
    assert page.inner_text("#fields-D") != first

    page.click("#leave")
    page.wait_for_selector("#logout-confirm")
    assert page.url.startswith(f"{example.url}/oauth/end-session?")
    look(page, "sign-out")
    page.click("#logout-confirm")
    page.wait_for_selector("#status:has-text('Signed out at the provider, and back')")
    look(page, "openid-left")
    page.click("#ask-none")
    page.wait_for_selector("#fields-B >> text=login_required")


def test_on_a_device_nothing_is_allowed_in_silence(page: Any, example: Example) -> None:
    enter(page, example)
    page.click("#ask-none")
    page.wait_for_selector("#fields-B >> text=consent_required")
    page.wait_for_selector("#status:has-text('Over https it would have said yes')")


@pytest.mark.parametrize("button", ["ask-login", "ask-account"])
def test_the_person_is_asked_what_the_app_wants_asked(page: Any, example: Example, button: str) -> None:
    enter(page, example)
    page.click(f"#{button}")
    if button == "ask-account":
        page.click("#continue")
    else:
        sign_in(page, example)
    page.click("#allow")
    page.wait_for_selector(SIGNED_IN)


def test_a_sign_in_that_is_fresh_enough_is_told_with_its_time(page: Any, example: Example) -> None:
    enter(page, example, "ask-age")
    assert "auth_time" in page.inner_text("#fields-F")


def test_single_claims_come_where_they_were_asked_for(page: Any, example: Example) -> None:
    enter(page, example, "ask-claims")
    assert "demo@example.com" in page.inner_text("#fields-F")
    page.click("#userinfo")
    page.wait_for_selector("#fields-H >> text=+442079460000")


def test_deny_shares_nothing(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/oidc/")
    page.click("#sign-in")
    sign_in(page, example)
    page.click("#deny")
    page.wait_for_selector("#status:has-text('You denied access')")
    assert not page.inner_text("#line-C")


def test_an_answer_that_was_not_asked_for_is_thrown_away(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/oidc/?code=stolen&state=guessed&iss={example.url}")
    page.wait_for_selector("#status:has-text('discarded')")
    assert not page.inner_text("#line-C")


def test_an_id_token_that_was_changed_is_thrown_away(page: Any, example: Example) -> None:
    def spoil(route: Any) -> None:
        answer = route.fetch()
        tokens = answer.json()
        head, _, signature = tokens["id_token"].split(".")
        claims = {"iss": example.url, "aud": "doorplate", "sub": "1", "exp": 2**40}
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        route.fulfill(response=answer, json=tokens | {"id_token": f"{head}.{forged}.{signature}"})

    page.route("**/oauth/token", spoil)
    page.goto(f"{example.url}/demo/oidc/")
    page.click("#sign-in")
    sign_in(page, example)
    page.click("#allow")
    page.wait_for_selector("#status:has-text('keys made this signature')")
    assert page.is_disabled("#userinfo")
