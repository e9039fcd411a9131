"""The SDKs of the Model Context Protocol, which agents and editors are made with. They are given an address, and do the rest by themselves: find the
authorization server, make themselves known, ask the person, call tools, ask for more, refresh."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.clients.person import Person
from tests.e2e.clients.test_openid_client import run

pytest.importorskip("mcp.client.auth")
import httpx2
from mcp import MCPError

from tests.e2e.clients.mcp_agent import Agent, Kept
from tests.e2e.clients.mcp_servers import AGENT, CALLBACK, KNOWN, World

pytestmark = [pytest.mark.e2e, pytest.mark.spec("MCP", "authorization-flow-steps", "step-up-authorization-flow")]
TOOLS = ["add_note", "delete_note", "list_notes", "whoami"]
READ, BOTH = {"notes:read"}, {"notes:read", "notes:write"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("mcp")).running() as running:
        yield running


@pytest.fixture(scope="module", params=["beside", "jwks", "introspection"])
def server(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    with world.serving(request.param) as address:
        yield address


def named(scopes: Any) -> set[str]:
    """Those of a resource: `offline_access` is between the agent and the authorization server."""
    return set(scopes) - {"offline_access"}


@pytest.mark.parametrize("known", KNOWN)
def test_the_python_sdk(world: World, server: str, known: str) -> None:
    given = KNOWN[known](world)
    person = Person(world.server.password)
    agent = Agent(server, Kept(given.get("client")), person.answer, given.get("document"))

    async def walk() -> None:
        async with agent.connected() as client:
            assert agent.way[0].endswith(" 401"), "nothing without a token"
            assert sorted(tool.name for tool in (await client.list_tools()).tools) == TOOLS
            before = await whoami(client)
            assert named(before["scopes"]) == READ
            assert len(agent.asked) == 1, "asked once"
        agent.decision = "deny"
        with pytest.raises(BaseExceptionGroup):  # the SDK ends the connection
            async with agent.connected() as client:
                await client.call_tool("add_note", {"text": "refused"})
        assert agent.refusals == ["access_denied"]
        agent.decision = "allow"
        async with agent.connected() as client:
            written = await client.call_tool("add_note", {"text": "Milk"})
            assert not written.is_error
            assert named((await whoami(client))["scopes"]) == BOTH
            asked = len(agent.asked)
            agent.is_too_old()
            assert named((await whoami(client))["scopes"]) == BOTH
            assert len(agent.asked) == asked, "refreshed without asking"

    asyncio.run(walk())
    assert {one["resource"] for one in agent.asked} == {server}
    assert named(agent.asked[-1]["scope"].split()) == BOTH, "what it had, and what it needs"
    assert agent.way.count("POST /oauth/register 201") == (known == "registration")
    if known == "document":
        assert agent.asked[0]["client_id"] == world.document
    assert any(one.endswith(" 403") for one in agent.way)


def test_an_agent_is_told_what_a_tool_cannot_do(world: World, server: str) -> None:
    """A note is written whole, or not at all."""
    agent = Agent(server, Kept(), Person(world.server.password).answer, world.document)

    async def walk() -> None:
        async with agent.connected() as client:
            for text in ("", "x" * 501):
                refused = await client.call_tool("add_note", {"text": text})
                assert refused.is_error and "500" in refused.content[0].text or not text
            written = await client.call_tool("add_note", {"text": "x" * 500})
            assert not written.is_error
            with pytest.raises(MCPError, match="no such note"):
                await client.read_resource("notes://999999")

    asyncio.run(walk())


def test_a_page_of_another_origin_is_not_served(world: World, server: str) -> None:
    """With a token of the right person, too (MCP 2026-07-28, transports, "Security Warning")."""
    kept = Kept()
    agent = Agent(server, kept, Person(world.server.password).answer, world.document)

    async def connect() -> None:
        async with agent.connected():
            pass

    asyncio.run(connect())
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Authorization": f"Bearer {kept.tokens.access_token}", "Accept": "application/json"}
    own = server.removesuffix("/mcp")
    answers = [
        httpx2.post(server, json=message, headers=headers | {"Origin": one}) for one in (own, "https://evil.example")
    ]
    assert [one.status_code for one in answers] == [200, 403]


@pytest.mark.spec("MCP", "token-handling")
def test_what_the_person_takes_back_opens_nothing_more(world: World) -> None:
    """In the midst of a connection: each request is judged by its token."""
    person = Person(world.server.password)
    agent = Agent(f"{world.server.url}/mcp", Kept(), person.answer, world.document)

    async def walk() -> None:
        async with agent.connected() as client:
            await whoami(client)
            assert len(agent.asked) == 1
            await asyncio.to_thread(person.takes_back, f"{world.server.url}/oauth/connected-apps/")
            agent.way.clear()
            await whoami(client)

    asyncio.run(walk())
    assert agent.way[0] == "POST /mcp 401"
    assert len(agent.asked) == 2, "asked anew"


async def whoami(client: Any) -> dict[str, Any]:
    result = await client.call_tool("whoami", {})
    assert not result.is_error, result
    told = result.structured_content
    return dict(told.get("result", told))


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("known", KNOWN)
def test_the_typescript_sdk(world: World, server: str, known: str) -> None:
    given = KNOWN[known](world)
    environment = {**os.environ, "SERVER": server, "AGENT": json.dumps(AGENT)}
    environment |= {"CLIENT": json.dumps(given["client"])} if "client" in given else {}
    environment |= {"DOCUMENT": given["document"]} if "document" in given else {}
    person = Person(world.server.password)
    found = run("mcp_walk.mjs", environment, person.answer, lambda url: person.answer(url, "deny"), person.answer)
    assert found["way"][0].endswith(" 401")
    assert found["tools"] == TOOLS
    assert named(found["before"]["scopes"]) == READ
    assert found["denied"] == "access_denied"
    assert named(found["after"]["scopes"]) == named(found["refreshed"]["scopes"]) == BOTH
    assert found["rotated"] is (known != "operator")
    assert {one["resource"] for one in found["asked"]} == {server}
    assert named(found["asked"][-1]["scope"].split()) == BOTH
    assert found["way"].count("POST /oauth/register 201") == (known == "registration")
    if known == "document":
        assert found["client_id"] == world.document


@pytest.mark.usefixtures("npm")
def test_the_typescript_sdk_of_the_line_before(world: World) -> None:
    """Which most agents are made with that are there already. It knows no step-up, and is given a protected API."""
    api = f"{world.server.url}/api/notes/"
    found = run("mcp.mjs", {"SERVER": api, "REDIRECT_URI": CALLBACK}, Person(world.server.password).answer)
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
