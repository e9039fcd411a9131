"""The MCP server: tools, resources and a prompt over somebody's notes. Who that is the token says."""

from __future__ import annotations

from typing import Annotated, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.request_state import RequestStateSecurity
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import Field
from starlette.applications import Starlette

from django_oauth_server.resource.mcp import protected_mcp
from django_oauth_server.resource.token import VerifiedToken

Text = Annotated[str, Field(min_length=1, max_length=500)]
"""What fits into a note. An agent is told so by the tool's schema, and by an error that it can act on."""


class Notebook(Protocol):
    """Where notes are kept."""

    async def read(self, token: VerifiedToken) -> list[dict[str, object]]: ...

    async def write(self, token: VerifiedToken, text: str) -> int: ...

    async def delete(self, token: VerifiedToken, note_id: int) -> bool: ...


def token_of(context: Context) -> VerifiedToken:
    """The token of this very request: a tool is called by whoever presents it, whatever the session."""
    return context.request_context.request.auth


def caller(context: ServerRequestContext) -> str:
    """Whom a tool goes on for that has asked something: this person, by this client."""
    token = context.request.auth
    return f"{token.issuer} {token.client_id} {token.subject}"


needs = protected_mcp(
    "notes:read",
    audience=settings.MCP,
    caller="person",
    tools={"list_notes": "notes:read", "whoami": "notes:read", "add_note": "notes:write", "delete_note": "notes:write"},
    resources={"notes://*": "notes:read"},
)
"""What the endpoint and each of its tools need, wherever they are served. It is declared here, and nowhere else."""


def notes_server(notebook: Notebook) -> MCPServer:
    """The server, wherever the notes are kept."""
    state = RequestStateSecurity(keys=[settings.SECRET_KEY], bind_principal=caller)
    server = MCPServer("Notes", request_state_security=state)

    @server.tool()
    async def list_notes(context: Context) -> list[dict[str, object]]:
        """List the person's notes, the newest first."""
        return await notebook.read(token_of(context))

    @server.tool()
    async def add_note(text: Text, context: Context) -> int:
        """Write a note. Returns its ID."""
        return await notebook.write(token_of(context), text)

    @server.tool()
    async def delete_note(note_id: int, context: Context) -> bool:
        """Delete a note. Returns whether there was one with this ID."""
        return await notebook.delete(token_of(context), note_id)

    @server.tool()
    async def whoami(context: Context) -> dict[str, object]:
        """Tell whom the token stands for, which client presents it, and what it allows."""
        token = token_of(context)
        return {"subject": token.subject, "client_id": token.client_id, "scopes": sorted(token.scopes)}

    @server.resource("notes://{note_id}")
    async def note(note_id: int, context: Context) -> str:
        """One of the person's notes."""
        notes = {one["id"]: str(one["text"]) for one in await notebook.read(token_of(context))}
        if note_id not in notes:
            raise ResourceNotFoundError("There is no such note.")
        return notes[note_id]

    @server.prompt()
    def tidy_up() -> str:
        """Ask an assistant to tidy up the notes."""
        return "List my notes, and suggest which of them can be deleted. Delete none before I agree."

    return server


def http_app(server: MCPServer) -> Starlette:
    """The server for HTTP, mounted where the URLconf says.

    Without sessions: each request stands for itself, whichever process answers it. No page of another origin is served, as the specification of MCP
    demands, although no request is served without a token, which no browser adds by itself.
    """
    address = urlsplit(settings.MCP)
    hosts = [f"{host}{port}" for host in settings.ALLOWED_HOSTS for port in ("", ":*")]
    security = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[f"{address.scheme}://{address.netloc}"])
    return server.streamable_http_app(
        streamable_http_path="/", stateless_http=True, json_response=True, transport_security=security
    )
