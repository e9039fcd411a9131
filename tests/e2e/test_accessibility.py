"""Every page in a real Chromium: axe-core has no finding in either colour scheme, in four languages, one of them from right to left (WCAG 2.2 AA)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import translation

from django_oauth_server.endpoints.pages import render_page
from tests.e2e.conftest import Example
from tests.pages.test_templates import PAGES, STATES

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.spec("WCAG 2.2", "AA")]

ORIGIN = "http://pages.example.test"
LANGUAGES = ["en", "de", "fr", "ar"]
SCHEMES = ["light", "dark"]
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FIND = """async tags => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  const { violations } = await axe.run(document, { runOnly: tags, iframes: false });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`));
}"""
IS_IN_VIEW = (
    "element => { const { top, bottom } = element.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; }"
)
STYLED = "[...document.querySelectorAll('link[rel=stylesheet]')].every(one => one.sheet)"


class Gallery:
    """The pages as templates make them, with the headers that they leave with. They lead nowhere, and nothing is elsewhere."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.shown = HttpResponse()
        page.route("**/*", self._answer)

    def show(self, name: str, language: str = "en", **changes: Any) -> None:
        http = RequestFactory().get("/")
        scripts = name in {"consent", "device_confirm", "select_account", "signed_out"}  # not form_post, which leaves
        with translation.override(language):
            self.shown = render_page(http, f"oauth_server/{name}.html", PAGES[name] | changes, script=scripts)
        self.page.goto(f"{ORIGIN}/", wait_until="domcontentloaded")
        while not self.page.evaluate(STYLED):
            self.page.wait_for_timeout(10)

    def _answer(self, route: Any) -> None:
        address = urlsplit(route.request.url)
        if address.path.startswith("/static/"):
            route.fulfill(path=finders.find(address.path.removeprefix("/static/")))
        elif route.request.url == f"{ORIGIN}/":
            route.fulfill(body=self.shown.content, headers=dict(self.shown.headers))
        else:
            route.fulfill(status=204)  # whatever it is, the page stays


@pytest.fixture(scope="module")
def axe(npm: Path) -> str:
    return (npm / "axe-core/axe.min.js").read_text()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport=SIZES["desktop"])
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def gallery(page: Any) -> Gallery:
    return Gallery(page)


def found(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    return page.evaluate(FIND, TAGS)


def picture(page: Any, name: str, *, full: bool = True) -> None:
    """Kept where E2E_SCREENSHOTS names a folder."""
    if folder := os.environ.get("E2E_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=full)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing(gallery: Gallery, page: Any, axe: str, language: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    findings = {}
    for number, (name, changes) in enumerate(STATES):
        gallery.show(name, language, **changes)
        findings[f"{name} {sorted(changes)}"] = found(page, axe)
        picture(page, f"{number:02}-{name}-{language}-{scheme}")
    assert {state: some for state, some in findings.items() if some} == {}


@pytest.mark.spec("WCAG 2.2", "1.4.10")
@pytest.mark.parametrize("language", ["de", "ar"])
@pytest.mark.parametrize("width", [320, 390, 640])
def test_no_page_scrolls_sideways(gallery: Gallery, page: Any, width: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name, changes in STATES:
        gallery.show(name, language, **changes)
        page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, changes)


def test_a_usual_request_needs_no_scrolling(gallery: Gallery, page: Any) -> None:
    gallery.show("consent")
    assert page.evaluate("document.documentElement.scrollHeight") <= SIZES["desktop"]["height"]


@pytest.mark.spec("WCAG 2.2", "2.4.11")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("number", [5, 21])
def test_the_buttons_of_consent_stay_in_view_and_hide_nothing_that_has_the_focus(
    gallery: Gallery, page: Any, size: str, number: int
) -> None:
    page.set_viewport_size(SIZES[size])
    gallery.show("consent", **dict(STATES[-1][1]) if number == 21 else {})
    for _ in range(2):
        assert all(page.locator(button).evaluate(IS_IN_VIEW) for button in ("#allow", "#deny"))
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    for control in page.locator("a, input:not([type=hidden]), summary, button:not([hidden])").all():
        if not control.is_visible():
            continue
        control.focus()
        assert control.evaluate(
            """element => {
              const [{ x, y, width, height }] = element.getClientRects();
              const there = document.elementFromPoint(x + width / 2, y + height / 2);
              return element.contains(there) || there.contains(element);
            }"""
        )


@pytest.mark.spec("WCAG 2.2", "1.4.11")
@pytest.mark.parametrize("selector", [".notice", ".badge", ".logo", ".card", ".button", ".account"])
def test_with_forced_colours_what_had_a_background_has_a_border(gallery: Gallery, page: Any, selector: str) -> None:
    page.emulate_media(forced_colors="active")
    gallery.show("consent", unproven="self_registered")
    border = "element => { const { borderTopColor, borderTopWidth } = getComputedStyle(element); return borderTopColor + borderTopWidth; }"
    for edge in page.locator(selector).evaluate_all(f"found => found.map({border})"):
        assert not edge.startswith("rgba(0, 0, 0, 0)") and edge.endswith(")1px")


@pytest.mark.spec("WCAG 2.2", "1.4.3")
@pytest.mark.parametrize("page_name", ["consent", "disconnect"])
def test_with_forced_colours_no_button_is_as_its_words_are(gallery: Gallery, page: Any, page_name: str) -> None:
    """A browser draws the page's colour behind forced text, so that words of that colour could not be seen."""
    page.emulate_media(forced_colors="active")
    gallery.show(page_name)
    for button in page.locator(".button").all():
        colours = "element => { const { color, backgroundColor } = getComputedStyle(element); return [color, backgroundColor]; }"
        words, ground = button.evaluate(colours)
        canvas = page.evaluate("getComputedStyle(document.body).backgroundColor")
        adjusted = button.evaluate("element => getComputedStyle(element).forcedColorAdjust") == "auto"
        assert words != (canvas if adjusted else ground)


PLACES = ["/", "/demo/", "/demo/oidc/", "/demo/tv/", "/accounts/login/", "/device"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_in_the_example(
    chromium: Any, example: Example, axe: str, language: str, scheme: str
) -> None:
    context = chromium.new_context(locale=language, color_scheme=scheme, viewport=SIZES["phone"])
    page = context.new_page()
    findings = {}
    for place in PLACES:
        page.goto(f"{example.url}{place}")
        page.wait_for_load_state("networkidle")
        findings[place] = found(page, axe)
        picture(page, f"example{place.replace('/', '-')}{language}-{scheme}")
    context.close()
    assert {place: some for place, some in findings.items() if some} == {}


def test_every_page_of_the_example_has_an_icon(page: Any, example: Example) -> None:
    icon = page.request.get(f"{example.url}/favicon.ico")
    assert icon.status == 200 and icon.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("place", ["/demo/", "/demo/oidc/", "/demo/tv/"])
def test_what_the_demo_says_covers_no_button(page: Any, example: Example, place: str) -> None:
    page.set_viewport_size(SIZES["phone"])
    page.goto(f"{example.url}{place}")
    page.wait_for_load_state("networkidle")
    for button in page.locator("button:visible:enabled").all():
        button.focus()
        picture(page, f"status{place.replace('/', '-')}", full=False)
        assert button.evaluate(
            """button => {
              const { left, right, top, bottom } = button.getBoundingClientRect();
              const corners = [[left + 6, top + 6], [right - 6, top + 6], [left + 6, bottom - 6], [right - 6, bottom - 6]];
              return corners.every(([x, y]) => button.contains(document.elementFromPoint(x, y)));
            }"""
        )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_where_people_register_apps(
    chromium: Any, example: Example, axe: str, size: str, scheme: str
) -> None:
    context = chromium.new_context(color_scheme=scheme, viewport=SIZES[size])
    page = context.new_page()
    findings = {}

    def look(name: str) -> None:
        page.wait_for_load_state()
        findings[name] = found(page, axe)
        picture(page, f"own-apps-{name}-{size}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name

    page.goto(f"{example.url}/accounts/login/?next=/oauth/apps/")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    page.click("#login")
    page.wait_for_url("**/oauth/apps/")
    look("list")
    page.click("#register")
    look("kinds")
    page.click("#kind-web")
    page.fill("[name=redirect_uris]", "https://notebook.example/*")
    page.click("#save")
    look("form")
    page.fill("[name=client_name]", "A notebook with a name that is longer than most would be")
    page.fill("[name=redirect_uris]", "https://notebook.example/callback")
    page.click("#save")
    page.wait_for_url("**/secret/shown")
    look("shown")
    page.click("#saved")
    look("app")
    for name in ("change", "secret", "delete"):
        page.click(f"#{name}")
        look(name)
        page.go_back()
    page.click("#delete")
    page.click("#delete")
    page.wait_for_url("**/oauth/apps/")
    context.close()
    assert {name: some for name, some in findings.items() if some} == {}
