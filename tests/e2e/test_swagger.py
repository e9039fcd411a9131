"""Swagger UI of the example, in a real Chromium: its Authorize button walks the code flow with PKCE, and its calls carry the token."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.conftest import Example

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture
def page(chromium: Any, example: Example) -> Iterator[Any]:
    """The documentation, in a browser in which nobody is signed in. No script may fail, nothing may be blocked or come from elsewhere."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    wrong: list[str] = []
    context.on("request", lambda one: wrong.append(one.url) if not one.url.startswith((example.url, "data:")) else None)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda one: wrong.append(one.text) if "Content Security Policy" in one.text else None)
    page = context.new_page()
    page.goto(f"{example.url}/api/docs/")
    page.wait_for_selector(".opblock-get")
    yield page
    context.close()
    assert not wrong


def keep(page: Any, name: str) -> None:
    """A picture, where E2E_SCREENSHOTS names a folder."""
    if folder := os.environ.get("E2E_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/swagger-{name}.png")


def authorize(page: Any, example: Example, *scopes: str, answer: str = "#allow") -> dict[str, list[str]]:
    """Press Authorize, choose *scopes* or else all, sign in and answer in the window that opens. What it was asked with is returned."""
    page.click(".scheme-container .authorize")
    for scope in scopes:
        page.click(f".modal-ux label:has(.item):has-text('{scope}')")
    if not scopes:
        page.click(".modal-ux >> text=select all")
    keep(page, "scopes")
    with page.expect_popup() as opened:
        page.click(".modal-ux button.authorize")
    window = opened.value
    window.fill("[name=username]", "demo")
    window.fill("[name=password]", example.password)
    window.click("#login")
    window.wait_for_selector(answer)
    asked = parse_qs(urlsplit(window.url).query)
    keep(window, "consent")
    with window.expect_event("close"):
        window.click(answer)
    return asked


def call(page: Any, operation: str, body: dict[str, str] | None = None) -> Any:
    """Try *operation* out; its answer, as the page shows it."""
    block = page.locator(f"#operations-notes-{operation}")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    if body is not None:
        block.locator("textarea").fill(json.dumps(body))
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    answer.wait_for()
    answer.scroll_into_view_if_needed()
    return answer


def test_authorize_walks_the_code_flow_with_pkce_and_a_call_carries_the_token(page: Any, example: Example) -> None:
    keep(page, "before")
    asked = authorize(page, example, "notes:read")
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["notes:read"]
    page.wait_for_selector(".modal-ux >> text=Logout")
    keep(page, "authorized")
    page.click(".modal-ux .btn-done")

    read = call(page, "notes_list")
    assert read.locator(".response-col_status").inner_text() == "200"
    assert "Buy oat milk" in read.inner_text()
    keep(page, "read")


def test_a_call_without_the_scope_shows_the_challenge(page: Any, example: Example) -> None:
    authorize(page, example, "notes:read")
    page.click(".modal-ux .btn-done")
    refused = call(page, "notes_create", {"text": "Water the plants"})
    assert refused.locator(".response-col_status").inner_text().startswith("403")
    assert 'error="insufficient_scope"' in refused.inner_text()
    assert 'scope="notes:write"' in refused.inner_text()
    keep(page, "refused")


def test_all_scopes_that_are_offered_can_be_had(page: Any, example: Example) -> None:
    assert authorize(page, example)["scope"] == ["notes:read notes:write"]
    page.click(".modal-ux .btn-done")
    written = call(page, "notes_create", {"text": "Call the plumber"})
    assert written.locator(".response-col_status").inner_text().startswith("201")
    assert "Call the plumber" in written.inner_text()


def test_a_call_without_a_token_shows_the_challenge(page: Any, example: Example) -> None:
    refused = call(page, "notes_list")
    assert refused.locator(".response-col_status").inner_text().startswith("401")
    assert 'scope="notes:read"' in refused.inner_text()
    assert "/.well-known/oauth-protected-resource" in refused.inner_text()


def test_a_refusal_of_the_person_is_shown(page: Any, example: Example) -> None:
    authorize(page, example, "notes:read", answer="#deny")
    page.wait_for_selector(".modal-ux .errors >> text=access_denied")
    keep(page, "denied")


def test_the_pages_of_the_authorization_server_are_as_strict_as_before(page: Any, example: Example) -> None:
    policy = page.request.get(f"{example.url}/accounts/login/").headers["content-security-policy"]
    assert policy == "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    assert "unsafe" not in page.request.get(f"{example.url}/oauth/authorize").headers["content-security-policy"]
