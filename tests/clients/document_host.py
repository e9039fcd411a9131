"""The web server of a client that describes itself: over TLS, at names that lead to it, and trusted by this server."""

from __future__ import annotations

from typing import Any

from django_oauth_server.models import Client
from tests.outbound.server import WebServer, as_json


class DocumentHost:
    """What stands at an address, and how often it was asked for."""

    def __init__(self, server: WebServer) -> None:
        self.server = server

    def url(self, path: str = "/client.json", host: str = "localhost") -> str:
        return self.server.url(path, host)

    def document(self, path: str = "/client.json", **changes: Any) -> dict[str, Any]:
        """What a native app says of itself. A member set to None is left out."""
        said = {
            "client_id": self.url(path),
            "client_name": "Almanac",
            "redirect_uris": ["https://app.example/callback", "http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        } | changes
        return {name: value for name, value in said.items() if value is not None}

    def say(self, path: str = "/client.json", *, headers: dict[str, str] | None = None, **changes: Any) -> str:
        """Serve the document there. Returns the client ID."""
        self.server.pages[path] = as_json(self.document(path, **changes), **(headers or {}))
        return self.url(path)

    def client(self, path: str = "/client.json", **changes: Any) -> Client:
        """The client, as a test that walks for it knows it."""
        client_id = self.say(path, **changes)
        return Client(client_id=client_id, issuer="https://as.example", metadata=self.document(path, **changes))

    def asked(self, path: str = "/client.json") -> int:
        return self.server.calls[path]
