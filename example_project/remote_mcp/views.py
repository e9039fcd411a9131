"""The same tools over notes that this process remembers, each person's own."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

from agents.server import http_app, needs, notes_server
from starlette.applications import Starlette

from django_oauth_server.resource.asgi import asgi_view
from django_oauth_server.resource.token import VerifiedToken


class Memory:
    """Notes by whose they are: a subject means something together with its issuer."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._notes: defaultdict[tuple[str, str | None], dict[int, str]] = defaultdict(dict)

    def _of(self, token: VerifiedToken) -> dict[int, str]:
        return self._notes[token.issuer, token.subject]

    async def read(self, token: VerifiedToken) -> list[dict[str, object]]:
        return [{"id": note_id, "text": text} for note_id, text in reversed(self._of(token).items())]

    async def write(self, token: VerifiedToken, text: str) -> int:
        note_id = next(self._ids)
        self._of(token)[note_id] = text
        return note_id

    async def delete(self, token: VerifiedToken, note_id: int) -> bool:
        return self._of(token).pop(note_id, None) is not None


SERVER = notes_server(Memory())


@needs
@asgi_view
def endpoint() -> Starlette:
    """The notes, for agents."""
    return http_app(SERVER)
