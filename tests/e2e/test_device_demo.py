"""A device without a keyboard, and the person who lets it in: two real browsers, each walked as far as the other is (RFC 8628)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.conftest import Example
from tests.e2e.test_demo import SIZES, Look, look, page, sign_in

__all__ = ["look", "page"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.browser]

LANGUAGES = {"en": "en-GB", "de": "de-DE", "fr": "fr-FR"}


@contextmanager
def person(chromium: Any, language: str = "en") -> Iterator[Any]:
    """Another browser, which is not signed in."""
    context = chromium.new_context(viewport=SIZES["phone"], locale=LANGUAGES[language])
    page = context.new_page()
    yield page
    context.close()


def turn_on(tv: Any, example: Example) -> str:
    """The TV shows a code."""
    tv.goto(f"{example.url}/demo/tv/")
    tv.click("#start")
    tv.wait_for_selector("#status:has-text('Waiting for your answer')")
    return str(tv.inner_text("#code"))


def enter(phone: Any, example: Example, code: str) -> None:
    """From the address that the TV shows to the question whether the device shows the same code."""
    phone.goto(f"{example.url}/device")
    sign_in(phone, example)
    phone.fill("#user-code", code)
    phone.click("#continue")
    phone.wait_for_selector("#deny")


@pytest.mark.spec("RFC 8628", "3.3")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tv_is_let_in_by_a_phone(page: Any, chromium: Any, example: Example, look: Look, language: str) -> None:
    code = turn_on(page, example)
    look(page, "tv-code")
    with person(chromium, language) as phone:
        phone.goto(f"{example.url}/device")
        phone.wait_for_selector("#login")
        assert phone.get_attribute("html", "lang").startswith(language)
        look(phone, f"device-sign-in-{language}")
        sign_in(phone, example)
        phone.wait_for_selector("#user-code")
        look(phone, f"device-enter-{language}")

        phone.fill("#user-code", "BCDF-GHJK")
        phone.click("#continue")
        phone.wait_for_selector("#user-code[aria-invalid=true]")
        look(phone, f"device-wrong-{language}")

        phone.fill("#user-code", f" {code.lower().replace('-', '')} ")
        phone.click("#continue")
        phone.wait_for_selector("#deny")
        assert phone.inner_text("main .device-code") == code
        look(phone, f"device-compare-{language}")
        phone.click("#continue")
        phone.wait_for_selector("#allow")
        assert "Notes on TV" in phone.inner_text("main")
        look(phone, f"device-consent-{language}")
        phone.click("#allow")
        phone.wait_for_selector("#allow", state="detached")
        phone.wait_for_selector("main h1")
        look(phone, f"device-done-{language}")

    page.wait_for_selector("#status:has-text('The device has a token')")
    page.click("#read")
    page.wait_for_selector("#notes >> text=Buy oat milk")
    assert "200 OK" in page.inner_text("#polls")
    look(page, "tv-connected")


@pytest.mark.spec("RFC 8628", "3.3.1")
def test_the_qr_code_leads_to_the_code_which_is_compared_all_the_same(
    page: Any, chromium: Any, example: Example
) -> None:
    code = turn_on(page, example)
    assert page.evaluate("document.getElementById('qr').decode().then(() => true)")
    complete = page.get_attribute("#here", "href")
    with person(chromium) as phone:
        phone.goto(complete)
        sign_in(phone, example)
        phone.wait_for_selector("#deny")
        assert phone.inner_text("main .device-code") == code
        phone.wait_for_selector("#continue")


@pytest.mark.spec("RFC 8628", "3.5")
@pytest.mark.parametrize("at", ["compare", "consent"])
def test_deny_shares_nothing(page: Any, chromium: Any, example: Example, look: Look, at: str) -> None:
    code = turn_on(page, example)
    with person(chromium) as phone:
        enter(phone, example, code)
        if at == "consent":
            phone.click("#continue")
            phone.wait_for_selector("#allow")
        phone.click("#deny")
        phone.wait_for_selector("#deny", state="detached")
        look(phone, f"device-denied-{at}")
    page.wait_for_selector("#status:has-text('You denied access')")
    assert "access_denied" in page.inner_text("#polls")
    assert page.is_disabled("#read")
    look(page, "tv-denied")


@pytest.mark.spec("RFC 8628", "3.5")
def test_who_asks_too_early_waits_longer(page: Any, example: Example) -> None:
    turn_on(page, example)
    page.click("#poll")
    page.wait_for_selector("#polls >> text=authorization_pending again in 5 s")
    page.evaluate(
        "for (const _ of [1, 2]) document.getElementById('poll').click()"
    )  # the second is early, however late the first is
    page.wait_for_selector("#polls >> text=slow_down again in 10 s")
    assert "slow_down" in page.inner_text("#fields-D")


def test_what_was_entered_is_forgotten_by_starting_over(page: Any, example: Example) -> None:
    first = turn_on(page, example)
    with page.expect_navigation():
        page.click("#forget")
    page.wait_for_selector("#status:has-text('Not connected yet')")
    assert page.is_hidden("#screen")
    assert turn_on(page, example) != first


def test_only_addresses_of_this_site_are_drawn(page: Any, example: Example) -> None:
    for uri in ("https://evil.example/", f"{example.url}.evil.example/", "", f"{example.url}/{'x' * 600}"):
        assert page.request.get(f"{example.url}/demo/tv/qr.svg", params={"uri": uri}).status == 400
