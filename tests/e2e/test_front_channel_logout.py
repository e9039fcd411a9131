"""Two relying parties on sites of their own, which a real Chromium tells that a person has left."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from django_oauth_server.protocol.jose import unverified
from tests.e2e.clients.conftest import Register, register_at
from tests.e2e.conftest import KEPT_OPEN, Example, started
from tests.outbound.server import WebServer, write_certificate

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.spec("OpenID Connect Front-Channel Logout", "2")]

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FOR_FRAMES = 5_000
"""Milliseconds for which the browser waits for the frames, and then goes on."""
EXCHANGE = "([url, form]) => fetch(url, {method: 'POST', body: new URLSearchParams(form)}).then(told => told.json())"
FRAME_ELSEWHERE = """address => new Promise(told => {
  addEventListener("securitypolicyviolation", refused => told([refused.effectiveDirective, refused.blockedURI]));
  document.body.append(Object.assign(document.createElement("iframe"), {src: address}));
})"""


@dataclass
class Party:
    """A relying party, and what it was told of the person."""

    server: WebServer
    host: str
    client_id: str = ""
    id_token: str = ""
    claims: dict[str, Any] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return self.server.url(path, self.host)

    def register(self, register: Register, **metadata: object) -> None:
        described = {
            "redirect_uris": [self.url("/callback")],
            "post_logout_redirect_uris": [self.url("/signed-out")],
            "frontchannel_logout_uri": self.url("/front-channel?from=op"),
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code"],
            "scope": "openid",
        }
        self.client_id = register(**described, **metadata)["client_id"]

    def sign_in(self, page: Any, provider: Example) -> None:
        asked = {"client_id": self.client_id, "redirect_uri": self.url("/callback"), "code_challenge": CHALLENGE}
        asked |= {"response_type": "code", "scope": "openid", "code_challenge_method": "S256"}
        page.goto(f"{provider.url}/oauth/authorize?{urlencode(asked)}")
        if page.locator("#login").count():
            page.fill("[name=username]", "demo")
            page.fill("[name=password]", provider.password)
            page.click("#login")
        page.click("#allow")
        page.wait_for_url(f"{self.url('/callback')}?*")
        (code,) = parse_qs(urlsplit(page.url).query)["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.url("/callback")}
        form |= {"client_id": self.client_id, "code_verifier": VERIFIER}
        self.id_token = page.evaluate(EXCHANGE, [f"{provider.url}/oauth/token", form])["id_token"]
        self.claims = unverified(self.id_token)[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hosts = ("id.example.test", "app.example.test", "127.0.0.1")
    return write_certificate(tmp_path_factory.mktemp("tls") / "all.pem", *hosts)


@pytest.fixture(scope="module")
def provider(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    tls = f"{KEPT_OPEN} --certfile={certificate} --keyfile={certificate}"
    with started(tmp_path_factory.mktemp("op"), "https://id.example.test", GUNICORN_CMD_ARGS=tls) as running:
        yield running


@pytest.fixture
def parties(certificate: Path, provider: Example) -> Iterator[tuple[Party, Party]]:
    """One at the provider's own site and one at another, each a different origin."""
    one, other = Party(WebServer(certificate), "app.example.test"), Party(WebServer(certificate), "127.0.0.1")
    for party in (one, other):
        party.server.pages |= dict.fromkeys(["/callback", "/front-channel", "/signed-out"], (200, {}, b"<p>here</p>"))
    one.register(register_at(provider), frontchannel_logout_session_required=True)
    other.register(register_at(provider))
    yield one, other
    for party in (one, other):
        party.server.stop()


@pytest.fixture
def scripts() -> bool:
    return True


@pytest.fixture
def page(chromium: Any, provider: Example, parties: tuple[Party, Party], scripts: bool) -> Iterator[Any]:
    """The browser of somebody who has signed in at both."""
    context = chromium.new_context(ignore_https_errors=True, java_script_enabled=scripts)
    if scripts:
        context.clock.install(time=0)
        context.clock.pause_at(1000)  # it goes on when a test says so
    page = context.new_page()
    for party in parties:
        party.sign_in(page, provider)
    yield page
    context.close()


def leave(page: Any, provider: Example, party: Party) -> Any:
    """The person leaves *party*, and says at the provider that they mean it. Returns the page that tells the others."""
    asked = {"id_token_hint": party.id_token, "post_logout_redirect_uri": party.url("/signed-out"), "state": "s-1"}
    page.goto(f"{provider.url}/oauth/end-session?{urlencode(asked)}")
    with page.expect_response("**/oauth/end-session/decision") as told:
        page.click("#logout-confirm", no_wait_after=True)
    return told.value


def until_asked(page: Any, *parties: Party) -> None:
    """The browser has asked for the frame of each."""
    while not all(party.server.calls["/front-channel"] for party in parties):
        page.wait_for_timeout(10)


@pytest.mark.requirement(47)
def test_both_are_told_which_session_ended_and_then_the_browser_goes_back(
    page: Any, provider: Example, parties: tuple[Party, Party]
) -> None:
    loaded: list[str] = []
    page.on("request", lambda asked: asked.frame.parent_frame and loaded.append(asked.url))
    one, other = parties
    leave(page, provider, one)
    page.wait_for_url(f"{one.url('/signed-out')}?state=s-1")
    told = {address.partition("?")[0]: parse_qs(urlsplit(address).query) for address in loaded}
    assert told == {
        party.url("/front-channel"): {"from": ["op"], "iss": [provider.url], "sid": [party.claims["sid"]]}
        for party in parties
    }
    assert len(loaded) == 2 and one.claims["sid"] != other.claims["sid"]
    page.clock.run_for(2 * FOR_FRAMES)
    assert one.server.calls["/signed-out"] == 1, "the page goes on once"
    for party in parties:
        assert party.server.calls["/front-channel"] == 1
        assert [headers["sec-fetch-dest"] for _, headers in party.server.asked].count("iframe") == 1
        assert not any(
            "referer" in headers for _, headers in party.server.asked if headers["sec-fetch-dest"] == "iframe"
        )


@pytest.mark.requirement(47)
def test_the_page_may_frame_these_two_and_nobody_else(
    page: Any, provider: Example, parties: tuple[Party, Party], certificate: Path
) -> None:
    stranger = WebServer(certificate)
    for party in parties:
        party.server.released.clear()  # or the browser would have gone on
    answer = leave(page, provider, parties[0])
    directives = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    assert directives["frame-src"].split() == sorted(party.url("") for party in parties)
    page.locator("iframe").nth(1).wait_for(state="attached")
    address = stranger.url("", "other.example.test")
    assert page.evaluate(FRAME_ELSEWHERE, address) == ["frame-src", address]
    assert not stranger.asked
    stranger.stop()
    for party in parties:
        party.server.released.set()
    page.wait_for_url(f"{parties[0].url('/signed-out')}?state=s-1")


@pytest.mark.requirement(47)
@pytest.mark.spec("WCAG 2.2", "2.2.1")
@pytest.mark.parametrize("scripts", [False])
def test_without_scripts_both_are_told_and_a_link_goes_on(
    page: Any, provider: Example, parties: tuple[Party, Party]
) -> None:
    leave(page, provider, parties[0])
    until_asked(page, *parties)
    page.wait_for_timeout(1_000 + FOR_FRAMES)
    assert page.is_hidden("#stay")
    page.click("#continue")
    page.wait_for_url(f"{parties[0].url('/signed-out')}?state=s-1")
    assert [party.server.calls["/front-channel"] for party in parties] == [1, 1]


@pytest.mark.requirement(47)
@pytest.mark.spec("WCAG 2.2", "2.2.1")
def test_who_wants_to_stay_is_not_led_away(page: Any, provider: Example, parties: tuple[Party, Party]) -> None:
    one, other = parties
    other.server.released.clear()
    leave(page, provider, one)
    page.click("#stay")
    other.server.released.set()
    page.wait_for_load_state("load")
    page.clock.run_for(2 * FOR_FRAMES)
    assert page.url.startswith(provider.url) and page.is_hidden("#stay")
    assert page.evaluate("document.activeElement.id") == "continue"
    assert "/signed-out" not in one.server.calls


@pytest.mark.requirement(47)
def test_one_that_never_answers_keeps_nobody_from_going_back(
    page: Any, provider: Example, parties: tuple[Party, Party]
) -> None:
    one, other = parties
    other.server.released.clear()
    leave(page, provider, one)
    until_asked(page, one, other)
    page.wait_for_selector("#stay")
    page.clock.run_for(FOR_FRAMES + 1)
    page.wait_for_url(f"{one.url('/signed-out')}?state=s-1")
    assert one.server.calls["/front-channel"] == other.server.calls["/front-channel"] == 1
