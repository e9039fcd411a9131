"""The main job, walked by a real Chromium: sign in, consent, code, token, protected resource, refresh, taken back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.conftest import Example, started

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
Look = Callable[[Any, str], None]


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport=SIZES["desktop"])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None
    )
    yield page
    context.close()
    assert not errors


@pytest.fixture
def look() -> Look:
    """Check that a page fits, at phone and desktop width, light and dark; keep the pictures where E2E_SCREENSHOTS names a folder."""
    folder = os.environ.get("E2E_SCREENSHOTS")

    def at(page: Any, name: str) -> None:
        page.wait_for_load_state()
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            page.evaluate("scrollTo(0, 0)")
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                assert not wide, f"{name} scrolls sideways at {size} width"
                if folder:
                    Path(folder).mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=f"{folder}/{name}-{size}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")

    return at


def sign_in(page: Any, example: Example) -> None:
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    page.click("#login")


def connect(page: Any, example: Example) -> None:
    """(A) to (D), everything allowed."""
    page.goto(f"{example.url}/demo/")
    page.click("#connect")
    sign_in(page, example)
    page.click("#allow")
    page.wait_for_selector("#line-D:has-text('200')")


def read_notes(page: Any) -> None:
    """(E) and (F), also where notes are there already."""
    with page.expect_response(lambda answer: answer.url.endswith("/api/notes/") and answer.ok):
        page.click("#read")
    page.wait_for_selector("#notes >> text=Buy oat milk")


def test_the_figure_from_a_to_f_and_back(page: Any, example: Example, look: Look) -> None:
    page.goto(example.url)
    look(page, "start")
    page.goto(f"{example.url}/demo/")
    page.wait_for_selector("#fields-A >> text=code_challenge_method")
    look(page, "demo-before")
    page.click("#connect")

    page.wait_for_selector("#login")
    look(page, "sign-in")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", "wrong")
    page.click("#login")
    page.wait_for_selector("[role=alert]")
    look(page, "sign-in-wrong")
    sign_in(page, example)

    page.wait_for_selector("#allow")
    assert page.url.startswith(f"{example.url}/oauth/authorize?")
    look(page, "consent")
    page.click("#allow")

    page.wait_for_selector("#fields-D >> text=refresh_token")
    assert "code=" not in page.url
    look(page, "demo-token")

    read_notes(page)
    assert page.locator("#figure .done").count() == 6
    page.fill("#text", "Water the plants")
    page.click("#write")
    page.wait_for_selector("#line-F:has-text('201')")
    look(page, "demo-connected")
    page.click("#notes li:has-text('Water the plants') button")
    page.wait_for_selector("#line-F:has-text('204')")

    first = page.inner_text("#fields-D")
    page.click("#refresh")
    page.wait_for_selector("#status:has-text('Refreshed')")
    assert page.inner_text("#fields-D") != first
    read_notes(page)

    page.goto(f"{example.url}/oauth/connected-apps/")
    assert "Notebook" in page.content()
    look(page, "connected-apps")
    notebook = page.locator("details", has_text="Notebook")
    if notebook.get_attribute("open") is None:
        notebook.locator("summary").click()
    notebook.locator("text=Remove access").click()
    look(page, "remove-access")
    page.click("#remove")
    page.wait_for_selector("text=can no longer use your account")
    look(page, "connected-apps-empty")

    page.goto(f"{example.url}/demo/")
    page.click("#read")
    page.wait_for_selector('#fields-F >> text=error="invalid_token"')
    page.click("#refresh")
    page.wait_for_selector("#fields-D >> text=invalid_grant")
    look(page, "demo-refused")


def test_deny_shares_nothing(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.click("#connect")
    sign_in(page, example)
    page.click("#deny")
    page.wait_for_selector("text=You denied access. Nothing was shared.")
    assert "access_denied" in page.inner_text("#fields-B")
    assert "code" not in page.inner_text("#fields-B").split()
    assert not page.inner_text("#line-C")
    assert page.is_disabled("#read")


def test_a_cleared_box_is_not_granted_until_it_is_asked_for_again(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.click("#connect")
    sign_in(page, example)
    page.uncheck("[type=checkbox]")
    page.click("#allow")
    page.wait_for_selector("#line-D:has-text('200')")
    page.fill("#text", "Refused")
    page.click("#write")
    page.wait_for_selector('#fields-F >> text=error="insufficient_scope"')
    page.click("#connect")
    page.click("#allow")
    page.wait_for_selector("#line-D:has-text('200')")
    page.fill("#text", "Accepted")
    page.click("#write")
    page.wait_for_selector("#line-F:has-text('201')")


def test_revoked_tokens_are_refused(page: Any, example: Example) -> None:
    connect(page, example)
    read_notes(page)
    page.click("#revoke")
    page.wait_for_selector("text=Revoked.")
    page.click("#use-revoked")
    page.wait_for_selector('#fields-F >> text=error="invalid_token"')


def test_an_answer_that_was_not_asked_for_is_thrown_away(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.wait_for_selector("#fields-A >> text=state")
    page.goto(f"{example.url}/demo/?code=stolen&state=guessed&iss={example.url}")
    page.wait_for_selector("text=The answer was discarded")
    assert not page.inner_text("#line-C")


def test_an_answer_from_another_issuer_is_thrown_away(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.wait_for_selector("#fields-A >> text=state")
    state = page.evaluate("JSON.parse(sessionStorage.getItem('request')).pending.state")
    page.goto(f"{example.url}/demo/?code=mixed-up&state={state}&iss=https://other.example")
    page.wait_for_selector("text=another server")
    assert not page.inner_text("#line-C")


def test_pressing_allow_twice_works(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.click("#connect")
    sign_in(page, example)
    page.dblclick("#allow")
    page.wait_for_selector("#line-D:has-text('200')")


def test_back_and_allow_works(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.click("#connect")
    sign_in(page, example)
    page.wait_for_selector("#deny")
    consent = page.url
    page.click("#deny")
    page.wait_for_selector("text=You denied access.")
    page.goto(consent)
    page.click("#allow")
    page.wait_for_url(f"{example.url}/demo/**")


def test_not_you_leads_to_sign_in_and_back_to_the_question(page: Any, example: Example) -> None:
    page.goto(f"{example.url}/demo/")
    page.click("#connect")
    sign_in(page, example)
    page.click("#switch")
    sign_in(page, example)
    page.wait_for_selector("#allow")


def test_a_bad_redirect_uri_shows_a_page(page: Any, example: Example, look: Look) -> None:
    page.goto(f"{example.url}/oauth/authorize?response_type=code&client_id=demo&redirect_uri=https://evil.example/")
    assert page.url.startswith(example.url)
    assert "evil.example" not in page.inner_text("main")
    look(page, "error")


def test_the_consent_page_works_with_scripts_off(chromium: Any, example: Example) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    page.goto(
        f"{example.url}/oauth/authorize?response_type=code&client_id=demo&redirect_uri={example.url}/demo/"
        f"&scope=notes:read&code_challenge={challenge}&code_challenge_method=S256"
    )
    sign_in(page, example)
    page.click("#allow")
    page.wait_for_url(f"{example.url}/demo/?code=**")
    context.close()


LIST_FITS = """() => [...document.querySelectorAll("#result_list")].every((list) =>
  list.parentElement.scrollWidth <= list.parentElement.clientWidth
  && [...list.tBodies[0].rows].every((row) => row.offsetHeight <= 40))"""


def test_the_admin_shows_clients(page: Any, example: Example, look: Look) -> None:
    page.goto(f"{example.url}/admin/")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    page.click("[type=submit]")
    page.wait_for_selector("#user-tools")
    page.goto(f"{example.url}/admin/django_oauth_server/client/?q=Notebook")  # others may have registered many
    assert "Notebook" in page.content()
    look(page, "admin-clients")
    page.goto(f"{example.url}/admin/django_oauth_server/client/add/")
    look(page, "admin-add-client")
    for kind in ("web", "spa", "native", "device", "service", "api"):
        page.goto(f"{example.url}/admin/django_oauth_server/client/add/?kind={kind}")
        look(page, f"admin-add-{kind}")
    for model in ("client", "token", "authorization", "participation", "logoutdelivery", "signingkey"):
        page.goto(f"{example.url}/admin/django_oauth_server/{model}/")
        look(page, f"admin-{model}")
        page.set_viewport_size(SIZES["desktop"])
        assert page.evaluate(LIST_FITS), f"the list of {model} scrolls sideways, or has a row of two lines"


def switched(page: Any, example: Example, *switches: str) -> None:
    """The demo client, with these switches on, from (A) to (D)."""
    page.goto(f"{example.url}/demo/")
    page.wait_for_selector("#connect:not(:disabled)")
    for switch in switches:
        page.check(f"#{switch}")
        page.wait_for_selector("#status:has-text('See what will be sent now')")
    page.click("#connect")
    sign_in(page, example)
    page.wait_for_selector("#allow")


def test_a_pushed_request_message_by_message(page: Any, example: Example, look: Look) -> None:
    switched(page, example, "push")
    assert set(parse_qs(urlsplit(page.url).query)) == {"client_id", "request_uri"}
    page.click("#allow")
    page.wait_for_selector("#line-D:has-text('200')")
    assert page.inner_text("#line-A1") == f"POST {example.url}/oauth/par"
    assert "code_challenge" in page.inner_text("#fields-A1")
    assert page.inner_text("#line-A2").startswith("201")
    assert "request_uri" in page.inner_text("#fields-A")
    assert "code_challenge" not in page.inner_text("#fields-A")
    look(page, "demo-pushed")
    page.uncheck("#push")
    page.wait_for_selector("#fields-A >> text=code_challenge_method")
    assert page.is_hidden("#line-A1")


KEY = """new Promise((resolve, reject) => {
  const opening = indexedDB.open("proof", 1);
  opening.onsuccess = () => {
    const asking = opening.result.transaction("keys").objectStore("keys").get("demo");
    asking.onsuccess = async () => {
      opening.result.close();
      if (!asking.result) return resolve("none");
      const { privateKey } = asking.result;
      const taken = await crypto.subtle.exportKey("jwk", privateKey).then(() => "taken out", (error) => error.name);
      resolve(`${privateKey.algorithm.namedCurve} ${privateKey.extractable} ${taken}`);
    };
  };
  opening.onerror = reject;
})"""


@pytest.mark.parametrize("switches", [("bind",), ("push", "bind")], ids=["plain", "pushed"])
def test_a_bound_token_message_by_message(page: Any, example: Example, look: Look, switches: tuple[str, ...]) -> None:
    switched(page, example, *switches)
    page.click("#allow")
    page.wait_for_selector("#status:has-text('bound to a key of this browser')")
    asked = "#fields-A1" if "push" in switches else "#fields-A"
    assert "dpop_jkt" in page.inner_text(asked)
    page.click("details[data-aside=C0] > summary")
    assert "use_dpop_nonce" in page.inner_text("#fields-D0")
    page.click("details[data-aside=C0] > summary")
    for told in (
        '"typ": "dpop+jwt"',
        '"crv": "P-256"',
        '"htm": "POST"',
        f'"htu": "{example.url}/oauth/token"',
        '"nonce"',
    ):
        assert told in page.inner_text("#proof-C")
    assert "DPoP" in page.inner_text("#fields-D")
    assert page.evaluate(KEY) == "P-256 false InvalidAccessError"

    read_notes(page)
    assert '"ath"' in page.inner_text("#proof-E")
    look(page, f"demo-bound-{len(switches)}")
    page.click("#use-bearer")
    page.wait_for_selector("#status:has-text('Without a proof, the token is useless')")
    assert page.inner_text("#line-F").startswith("401")
    assert "DPoP" in page.inner_text("#fields-F")
    look(page, f"demo-unproven-{len(switches)}")

    page.click("#refresh")
    page.wait_for_selector("#status:has-text('Refreshed')")
    assert '"htm": "POST"' in page.inner_text("#proof-C")
    page.reload()
    read_notes(page)


def test_where_no_nonce_is_asked_for_nothing_is_sent_twice(page: Any, tmp_path: Path) -> None:
    with started(tmp_path, OAUTH_DPOP_NONCES="off") as example:
        switched(page, example, "bind")
        page.click("#allow")
        page.wait_for_selector("#status:has-text('bound to a key of this browser')")
        read_notes(page)
        assert page.is_hidden("[data-aside=C0]") and page.is_hidden("[data-aside=E0]")
        assert '"nonce"' not in page.inner_text("#proof-C")


def test_a_refresh_token_is_worth_nothing_with_another_key(page: Any, example: Example) -> None:
    switched(page, example, "bind")
    page.click("#allow")
    page.wait_for_selector("#status:has-text('bound to a key of this browser')")
    page.evaluate('new Promise((done) => { indexedDB.deleteDatabase("proof").onsuccess = done })')
    page.click("#refresh")
    page.wait_for_selector("#fields-D >> text=invalid_grant")


def test_starting_over_throws_the_key_away(page: Any, example: Example) -> None:
    switched(page, example, "bind")
    page.click("#allow")
    page.wait_for_selector("#status:has-text('bound to a key of this browser')")
    with page.expect_navigation():
        page.click("#forget")
    page.wait_for_selector("#status:has-text('Not connected yet')")
    assert page.evaluate(KEY) == "none"
