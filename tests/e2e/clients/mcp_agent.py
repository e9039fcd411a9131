"""An agent made with the Python SDK of the Model Context Protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

from tests.e2e.clients.mcp_servers import AGENT
from tests.waiting import PATIENCE


class Kept:
    """What an agent keeps between its runs."""

    def __init__(self, client: dict[str, Any] | None = None) -> None:
        self.tokens: Any = None
        self.client = OAuthClientInformationFull.model_validate(client) if client else None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client: Any) -> None:
        self.client = client


class Agent:
    """It is given the address of an MCP server. Where it sends the person is answered by *answer*, until it *denies*."""

    def __init__(self, server: str, kept: Kept, answer: Callable[..., str], document: str | None = None) -> None:
        self.server, self.kept, self.answer = server, kept, answer
        self.decision = "allow"
        self.asked: list[dict[str, str]] = []
        """The authorization requests to which it sent the person."""
        self.refusals: list[str] = []
        self.way: list[str] = []
        """What it asked, and what it was told."""
        metadata = OAuthClientMetadata.model_validate(AGENT)
        self.provider = OAuthClientProvider(
            server, metadata, kept, self._is_sent, self._comes_back, client_metadata_url=document
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        noted = {"response": [self._note]}
        async with (
            httpx2.AsyncClient(auth=self.provider, event_hooks=noted, timeout=PATIENCE) as http,
            Client(streamable_http_client(self.server, http_client=http)) as client,
        ):
            yield client

    def is_too_old(self) -> None:
        """As if the access token had expired."""
        self.provider.context.token_expiry_time = 1.0

    async def _is_sent(self, url: str) -> None:
        self.asked.append({name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})
        self._back = await asyncio.to_thread(self.answer, url, self.decision)

    async def _comes_back(self) -> AuthorizationCodeResult:
        sent = {name: values[0] for name, values in parse_qs(urlsplit(self._back).query).items()}
        if "error" in sent:
            self.refusals.append(sent["error"])
            raise PermissionError(sent["error"])
        return AuthorizationCodeResult(code=sent["code"], state=sent["state"], iss=sent["iss"])

    async def _note(self, response: Any) -> None:
        self.way.append(f"{response.request.method} {response.request.url.path} {response.status_code}")
