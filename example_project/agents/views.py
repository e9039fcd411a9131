"""The MCP endpoint beside the authorization server."""

from __future__ import annotations

from notes.models import Note
from starlette.applications import Starlette

from agents.server import http_app, needs, notes_server
from django_oauth_server.resource.asgi import asgi_view
from django_oauth_server.resource.token import VerifiedToken


class DatabaseNotebook:
    """The notes that the API and the admin show as well."""

    async def read(self, token: VerifiedToken) -> list[dict[str, object]]:
        return [note async for note in Note.objects.filter(user=token.user).values("id", "text")]

    async def write(self, token: VerifiedToken, text: str) -> int:
        return (await Note.objects.acreate(user=token.user, text=text)).pk

    async def delete(self, token: VerifiedToken, note_id: int) -> bool:
        deleted, _ = await Note.objects.filter(user=token.user, pk=note_id).adelete()
        return bool(deleted)


SERVER = notes_server(DatabaseNotebook())


@needs
@asgi_view
def endpoint() -> Starlette:
    """The notes, for agents."""
    return http_app(SERVER)
