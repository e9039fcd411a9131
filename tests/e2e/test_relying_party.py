"""A Django project on another port, whose people sign in at the example project, in a real Chromium."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.test_demo import Look, look, page
from tests.e2e.test_remote_api import Served
from tests.e2e.test_start import manage
from tests.waiting import until

requests = pytest.importorskip("requests")
__all__ = ["look", "page"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@dataclass
class World:
    """The provider, its relying party, and the password of the person demo."""

    provider: Served
    guestbook: Served
    password: str

    def sign_in(self, page: Any) -> None:
        page.goto(self.guestbook.url)
        page.click("#sign-in")
        self.at_provider(page)
        page.wait_for_selector("#allow, #who")
        if page.is_visible("#allow"):  # what was allowed once is not asked again
            page.click("#allow")
        page.wait_for_selector("#who:has-text('Signed in as Ada Example')")

    def at_provider(self, page: Any) -> None:
        page.fill("[name=username]", "demo")
        page.fill("[name=password]", self.password)
        page.click("#login")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("relying_party")
    provider = Served("example_project", "example.wsgi", "/.well-known/openid-configuration", home / "op")
    guestbook = Served("example_project/relying_party", "guestbook.wsgi", "/", home / "rp")
    listed = guestbook.url.removeprefix("http://")
    provider.environment = {"OAUTH_ISSUER": provider.url, "EXAMPLE_VAR": str(home), "OAUTH_PRIVATE_HOSTS": listed}
    password = manage(home, "prepare", **provider.environment).split("Password:")[1].split()[0]
    document = {
        "client_name": "Guestbook",
        "scope": "openid profile email",
        "grant_types": ["authorization_code"],
        "redirect_uris": [f"{guestbook.url}/callback"],
        "post_logout_redirect_uris": [f"{guestbook.url}/signed-out"],
        "backchannel_logout_uri": f"{guestbook.url}/backchannel-logout",
    }
    made = json.loads(
        manage(home, "createclient", "--json", "--metadata", json.dumps(document), **provider.environment)
    )
    guestbook.environment = {
        "OAUTH_ISSUER": provider.url,
        "OAUTH_CLIENT_ID": made["client_id"],
        "OAUTH_CLIENT_SECRET": made["client_secret"],
        "GUESTBOOK": guestbook.url,
        "GUESTBOOK_VAR": str(home / "guestbook"),
    }
    migrate = [sys.executable, str(ROOT / "example_project/relying_party/manage.py"), "migrate", "-v0"]
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(migrate, env=inherited | guestbook.environment, check=True)
    provider.start()
    guestbook.start()
    yield World(provider, guestbook, password)
    guestbook.stop()
    provider.stop()
    assert "Traceback" not in provider.log() + guestbook.log()


def test_the_person_is_known_by_their_claims(page: Any, world: World, look: Look) -> None:
    page.goto(world.guestbook.url)
    look(page, "guestbook-before")
    world.sign_in(page)
    claims = page.inner_text("#claims")
    assert "demo@example.com" in claims
    assert "Europe/London" in claims
    look(page, "guestbook")


@pytest.mark.requirement(48)
def test_who_leaves_the_provider_has_left_the_relying_party(page: Any, world: World) -> None:
    world.sign_in(page)
    page.goto(world.provider.url)
    with page.expect_navigation():
        page.click("#logout")

    def is_known_no_more() -> bool:
        page.goto(world.guestbook.url)
        return "You are not signed in" in page.inner_text("#who")

    until(is_known_no_more, world.provider.log)
    assert "sessions ended: 1" in world.guestbook.log()


@pytest.mark.requirement(43)
def test_who_leaves_the_relying_party_may_leave_the_provider_too(page: Any, world: World) -> None:
    world.sign_in(page)
    page.click("#sign-out")
    page.wait_for_selector("#logout-confirm")
    assert page.url.startswith(f"{world.provider.url}/oauth/end-session?")
    page.click("#logout-confirm")
    page.wait_for_selector("#who:has-text('You are signed out')")
    assert page.url.startswith(f"{world.guestbook.url}/signed-out?")
    page.click("#sign-in")
    page.wait_for_selector("#login")


def test_deny_signs_nobody_in(page: Any, world: World) -> None:
    page.goto(world.guestbook.url)
    page.click("#sign-in")
    page.wait_for_selector("#login")
    request = parse_qs(urlsplit(page.url).query)["next"][0]
    page.goto(f"{world.provider.url}{request}&prompt=consent")
    world.at_provider(page)
    page.click("#deny")
    page.wait_for_selector("#who:has-text('That sign-in cannot be used')")


@pytest.mark.parametrize("form", [{}, {"logout_token": ""}, {"logout_token": "a.b.c"}, {"logout_token": "junk"}])
def test_what_is_no_logout_token_ends_nothing(world: World, form: dict[str, str]) -> None:
    answer = requests.post(f"{world.guestbook.url}/backchannel-logout", form)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
