"""The guides' stories, with the settings and code that the pages have. The single-page app's is in tests/e2e/test_guides.py."""

from __future__ import annotations

import json
import sys
import unittest
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.test import AsyncRequestFactory, RequestFactory
from django.test import Client as Browser

from django_oauth_server.conf import Exchange
from tests.docs.pages import DOCS
from tests.docs.snippets import of_page
from tests.docs.test_snippets import Reader
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.outbound.server import WebServer, as_json

NOTES, MAIL = "https://api.example/notes", "https://api.example/mail"
Guide = Callable[..., dict[str, Any]]


@pytest.fixture
def guide(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Guide:
    """What a page has a reader write, as far as its OAUTH_SERVER that says *needle*, in the test project."""

    def read(page: str, needle: str = "") -> dict[str, Any]:
        reader = Reader(settings, monkeypatch)
        code = [one for one in of_page(DOCS / page) if one.language == "python" and not one.is_fragment]
        said: dict[str, Any] = {}
        for one in sorted(code, key=lambda one: not one.module):
            written = reader.reads(one)
            if "OAUTH_SERVER" in written and needle in one.code:
                said = written["OAUTH_SERVER"]
        settings.OAUTH_SERVER = django_settings.OAUTH_SERVER | said | {"issuer": "https://as.example"}
        settings.OAUTH_RESOURCE_SERVER = {}
        return reader.written

    return read


@pytest.mark.spec("RFC 8707", "2")
def test_several_apis_get_a_token_each(guide: Guide, user: Any, browser: Browser) -> None:
    guide("several-apis.md", "mail:send")
    flow = Flow(ClientFactory(metadata__scope="notes:read mail:send"), browser)
    code = flow.code(scope="notes:read mail:send", resource=[NOTES, MAIL])
    notes = flow.exchange(code, resource=NOTES).json()
    assert notes["scope"] == "notes:read"
    mail = flow.refresh(notes["refresh_token"], resource=MAIL).json()
    assert mail["scope"] == "mail:send" and mail["expires_in"] == 300
    assert mail["access_token"].count(".") == 2, "its own format"
    assert flow.refresh(mail["refresh_token"], resource="https://elsewhere.example").json()["error"] == "invalid_target"


MCP = "https://your.host/mcp"


def test_an_agent_is_told_where_the_metadata_of_an_mcp_server_is(guide: Guide, settings: Any) -> None:
    view = guide("mcp.md")["mcp"]
    settings.OAUTH_RESOURCE_SERVER = {"resource": MCP}
    answer = async_to_sync(view)(RequestFactory().post("/mcp"))
    assert answer.status_code == 401
    metadata = "https://your.host/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata}"' in answer["WWW-Authenticate"]


class RequestFactoryOf(AsyncRequestFactory):
    """Django's own always sends `testserver` first."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host.encode()

    def _base_scope(self, **more: Any) -> dict[str, Any]:
        scope: dict[str, Any] = super()._base_scope(**more)
        return scope | {"headers": [(b"host", self._host), *(one for one in scope["headers"] if one[0] != b"host")]}


def test_the_tools_of_an_mcp_server_need_what_the_guide_says(guide: Guide, settings: Any, fake_issuer: Any) -> None:
    pytest.importorskip("mcp")
    view = guide("mcp.md")["mcp"]
    settings.OAUTH_RESOURCE_SERVER = {"resource": MCP, "verifier": fake_issuer.verifier()}

    def call(scopes: str, tool: str, origin: str = "https://your.host", **arguments: object) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        token = fake_issuer.token(scopes=scopes, audience=MCP, sub="alice")
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}", "Origin": origin}
        request = RequestFactoryOf("your.host").post("/mcp", message, content_type="application/json", headers=headers)
        return async_to_sync(view)(request)

    refused = call("notes:read", "add_note", text="milk")
    assert (refused.status_code, 'scope="notes:read notes:write"' in refused["WWW-Authenticate"]) == (403, True)
    assert json.loads(call("notes:read notes:write", "add_note", text="milk").content)["result"]["isError"] is False
    read = json.loads(call("notes:read", "list_notes").content)
    assert read["result"]["structuredContent"] == {"result": ["milk"]}
    assert call("notes:read", "list_notes", origin="https://elsewhere.example").status_code == 403


@pytest.mark.parametrize("other", [{"sub": "bob"}, {"client_id": "another"}], ids=str)
def test_what_a_tool_is_half_through_with_goes_on_for_nobody_else(
    guide: Guide, settings: Any, fake_issuer: Any, other: dict[str, str]
) -> None:
    """MCP 2026-07-28, multi round-trip requests: `requestState` comes back from the client, in each process the same."""
    InputRequiredResult = pytest.importorskip("mcp_types").InputRequiredResult
    written = guide("mcp.md")
    settings.OAUTH_RESOURCE_SERVER = {"resource": MCP, "verifier": fake_issuer.verifier()}
    server, view = written["server"], written["mcp"]
    server.remove_tool("list_notes")

    async def list_notes(context: Any) -> Any:
        return context.request_state or InputRequiredResult(request_state="half")

    list_notes.__annotations__ = {"context": written["Context"], "return": str | InputRequiredResult}
    server.add_tool(list_notes)

    def call(request_state: str | None = None, **claims: str) -> Any:
        about = {"protocolVersion": "2026-07-28", "clientInfo": {"name": "a", "version": "1"}, "clientCapabilities": {}}
        meta = {f"io.modelcontextprotocol/{name}": value for name, value in about.items()}
        params = {"name": "list_notes", "arguments": {}, "_meta": meta}
        if request_state:
            params["requestState"] = request_state
        token = fake_issuer.token(scopes="notes:read", audience=MCP, **{"sub": "alice", **claims})
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "Mcp-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": "list_notes",
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        request = RequestFactoryOf("your.host").post("/mcp", message, content_type="application/json", headers=headers)
        return json.loads(async_to_sync(view)(request).content)

    state = call()["result"]["requestState"]
    assert call(state)["result"]["content"][0]["text"] == "half"
    assert call(state, **other)["error"]["data"] == {"reason": "invalid_request_state"}


@pytest.mark.django_db(transaction=True)
def test_the_test_of_the_guide_passes(guide: Guide, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mcp")
    written = guide("mcp.md")
    monkeypatch.setitem(sys.modules, "guide_urls", SimpleNamespace(urlpatterns=written["urlpatterns"]))
    settings.ROOT_URLCONF = "guide_urls"
    settings.OAUTH_RESOURCE_SERVER = {"resource": MCP}
    tests = unittest.TestLoader().loadTestsFromTestCase(written["ToolsTest"])
    result = unittest.TextTestRunner(stream=StringIO()).run(tests)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


def test_another_application_is_told_of_the_groups(guide: Guide, user: Any, browser: Browser) -> None:
    guide("sign-in-elsewhere.md")
    user.groups.create(name="operators")
    flow = Flow(ClientFactory(metadata__scope="openid email groups"), browser)
    claims = flow.userinfo(flow.tokens(scope="openid email groups")["access_token"])
    assert claims["groups"] == ["operators"]


@pytest.mark.parametrize("redirects", ["/oauth/token", "/api/notes"])
def test_the_service_of_the_guide_takes_nothing_along_where_a_redirect_leads(
    guide: Guide, monkeypatch: pytest.MonkeyPatch, redirects: str
) -> None:
    """Neither its secret nor its token."""
    site, thief = WebServer(None), WebServer(None)
    site.pages = {"/oauth/token": as_json({"access_token": "t"}), redirects: (302, {"Location": thief.url()}, b"")}
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(name, "s")
    guide("service-to-service.md")
    with pytest.raises(HTTPError, match="302"):
        sys.modules["report"].notes(site.url().rstrip("/"))
    assert site.calls[redirects] == 1
    assert not thief.asked
    for one in (site, thief):
        one.stop()


def test_the_hook_of_the_guide_leaves_exchanges_without_a_person_alone(guide: Guide) -> None:
    guide("id-jag.md")
    asked = SimpleNamespace(subject=SimpleNamespace(authorization=None))
    allowed = SimpleNamespace(rule=Exchange(client="orders", resources=(NOTES,), scopes=("a",)), scopes={"a"})
    assert sys.modules["myproject.policy"].scopes_of(asked, allowed) == {"a"}
