"""The SDKs of the Model Context Protocol, which agents and editors are made with. They are given an address, and do the rest by themselves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.clients.person import Person
from tests.e2e.clients.test_openid_client import run
from tests.e2e.conftest import Example, started

pytestmark = pytest.mark.e2e
CALLBACK = "http://127.0.0.1:33418/callback"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example project as it is by default, where apps may register themselves."""
    with started(tmp_path_factory.mktemp("mcp"), OAUTH_REGISTRATION="open") as running:
        yield running


class Kept:
    """What an agent keeps between its runs."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client: Any) -> None:
        self.client = client


def test_the_python_sdk(server: Example) -> None:
    auth = pytest.importorskip("mcp.client.auth")
    shared = pytest.importorskip("mcp.shared.auth")
    httpx = pytest.importorskip("httpx2")
    person, kept, asked = Person(server.password), Kept(), list[str]()

    async def is_sent(url: str) -> None:
        asked.append(await asyncio.to_thread(person.answer, url))

    async def comes_back() -> Any:
        sent = parse_qs(urlsplit(asked[-1]).query)
        return shared.AuthorizationCodeResult(code=sent["code"][0], state=sent["state"][0], iss=sent["iss"][0])

    async def agent(kept: Kept, *, stays: bool) -> tuple[int, list[str]]:
        """What an agent is told that keeps *kept*, and which addresses it asked on the way. It *stays* until its token is too old."""
        metadata = shared.OAuthClientMetadata(
            client_name="An agent",
            redirect_uris=[CALLBACK],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            token_endpoint_auth_method="none",
        )
        way: list[str] = []

        async def note(request: Any) -> None:
            way.append(f"{request.method} {request.url.path}")

        provider = auth.OAuthClientProvider(f"{server.url}/api/notes/", metadata, kept, is_sent, comes_back)
        async with httpx.AsyncClient(auth=provider, event_hooks={"request": [note]}) as client:
            headers = {"MCP-Protocol-Version": "2025-06-18"}
            answer = await client.get(f"{server.url}/api/notes/", headers=headers)
            if stays:
                provider.context.token_expiry_time = 1.0  # it refreshes before it asks again
                answer = await client.get(f"{server.url}/api/notes/", headers=headers)
            return answer.status_code, way

    status, way = asyncio.run(agent(kept, stays=True))
    assert status == 200, way
    assert len(asked) == 1, "the person was asked once"
    assert kept.client.token_endpoint_auth_method == "none"
    assert "notes:read" in kept.tokens.scope.split()
    assert kept.tokens.refresh_token
    assert way.count("POST /oauth/register") == 1
    assert way.count("POST /oauth/token") == 2, "bought, and refreshed"

    status, way = asyncio.run(agent(kept, stays=False))  # a second run needs nobody
    assert status == 200
    assert len(asked) == 1


@pytest.mark.usefixtures("npm")
def test_the_typescript_sdk(server: Example) -> None:
    environment = {**os.environ, "SERVER": f"{server.url}/api/notes/", "REDIRECT_URI": CALLBACK}
    found = run("mcp.mjs", environment, Person(server.password).answer)
    assert found == {
        "first": "REDIRECT",
        "then": "AUTHORIZED",
        "api": 200,
        "scope": found["scope"],
        "resource": True,
        "refreshed": "AUTHORIZED",
        "rotated": True,
        "after": 200,
    }
    assert "notes:read" in found["scope"].split()
