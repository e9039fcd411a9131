"""The page "For speed": what it sends to processes without middleware works there, and no page is sent there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import get_resolver

from tests.docs.pages import DOCS
from tests.factories import ClientFactory
from tests.flow import Flow, form
from tests.pushed.conftest import Pushing

PAGES_NEED_A_SESSION = {
    "authorize",
    "decision",
    "device",
    "connected_apps",
    "disconnect",
    "start_sign_in",
    "end_session",
    "end_session_decision",
}
EITHER = {"logo", "check_session"}
MACHINES = {
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/userinfo",
    "/oauth/jwks",
    "/oauth/health",
    "/oauth/par",
    "/oauth/device_authorization",
    "/oauth/register",
    "/oauth/register/some-client",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/api/notes/",
}
_SPLIT = re.search(
    r"## For speed.*?location ~ (\S+) \{", (DOCS / "operating.md").read_text(encoding="utf-8"), re.DOTALL
)
assert _SPLIT
SENT_TO_MACHINES = re.compile(_SPLIT[1])


@pytest.fixture
def split(flow: Flow, settings: Any) -> Iterator[Flow]:
    """The person's browser meets the pages' middleware, the client's server none."""
    flow.browser.handler.load_middleware()
    settings.MIDDLEWARE = []
    flow.server.handler.load_middleware()
    return flow


@pytest.mark.parametrize("path", sorted(MACHINES))
def test_the_proxy_sends_machine_endpoints_to_the_lean_processes(path: str) -> None:
    assert SENT_TO_MACHINES.search(path)


def test_the_proxy_sends_no_page_there() -> None:
    pages = {
        f"/{route}"
        for name in PAGES_NEED_A_SESSION | EITHER
        for possibilities in [get_resolver().reverse_dict, *_namespaced()]
        for found, *_ in possibilities.getlist(name)
        for route, _ in found
    }
    assert len(pages) >= len(PAGES_NEED_A_SESSION)
    assert not [one for one in pages if SENT_TO_MACHINES.search(one)]


def _namespaced() -> list[Any]:
    return [resolver.reverse_dict for _, resolver in get_resolver().namespace_dict.values()]


def test_a_whole_flow_and_what_follows_it(split: Flow) -> None:
    tokens = split.tokens(scope="openid notes:read")
    assert split.userinfo(tokens["access_token"])["sub"]
    assert split.is_active(tokens["access_token"])
    refreshed = split.refresh(tokens["refresh_token"]).json()
    assert split.revoke(refreshed["access_token"]).status_code == 200
    assert not split.is_active(refreshed["access_token"])


def test_requests_that_are_pushed(split: Flow) -> None:
    assert Pushing(split.client, split.browser).push().status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/jwks",
        "/oauth/health",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ],
)
def test_what_anybody_may_read(split: Flow, path: str) -> None:
    assert split.server.get(path).status_code == 200


def test_a_client_registers_itself(split: Flow) -> None:
    metadata = {"client_name": "New", "redirect_uris": ["https://new.example/back"]}
    answer = split.server.post("/oauth/register", metadata, content_type="application/json")
    assert answer.status_code == 201


def test_a_device_asks_for_its_codes(split: Flow) -> None:
    grants = ["urn:ietf:params:oauth:grant-type:device_code"]
    television = Flow(ClientFactory(public=True, metadata__grant_types=grants), Browser())
    asked = {"client_id": television.client.client_id, "scope": "notes:read"}
    answer = television.server.post(
        "/oauth/device_authorization", form(asked), content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200
