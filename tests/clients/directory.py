"""A client source of a deployment's own: clients whose id is a URL, each described by its document, which another server would be asked for."""

from __future__ import annotations

from typing import Any

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials
from django_oauth_server.clients.sources.base import ClientSource
from django_oauth_server.models import Client
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.protocol.hosts import host_of
from django_oauth_server.storage.document_hosts import verdict_of

PLACE = "https://apps.example/"
GATEWAY = "gateway"


class Directory(ClientSource):
    """Says something of every id below its place, unless a test says it otherwise."""

    name = "directory"
    asks_others = True
    said: dict[str, dict[str, Any] | None] = {}
    """What tests have it say. None: that it knows nobody of that id."""
    asked: list[str] = []

    def find(self, issuer: Any, client_id: str, row: Client | None) -> Client | None:
        self.asked.append(client_id)
        if not client_id.startswith(PLACE):
            return None
        document = self.said.get(client_id, usual(client_id))
        return Client(metadata=document) if document is not None else None


class VouchedDirectory(Directory):
    vouched_for = True


class SomeVouched(Directory):
    """Its clients are described by documents, and an operator vouches for some of them."""

    registered_by = Client.RegisteredBy.DOCUMENT
    vouched_ids: set[str] = set()

    def find(self, issuer: Any, client_id: str, row: Client | None) -> Client | None:
        client = super().find(issuer, client_id, row)
        if client:
            client.vouched_by_source = client_id in self.vouched_ids
        return client


class Judged(Directory):
    """Knows nobody at a host that an operator blocks."""

    registered_by = Client.RegisteredBy.DOCUMENT

    def find(self, issuer: Any, client_id: str, row: Client | None) -> Client | None:
        is_blocked = verdict_of(issuer.settings.issuer, host_of(client_id)) == DocumentHost.Verdict.BLOCKED
        return None if is_blocked else super().find(issuer, client_id, row)


class Gateway(ClientAuthMethod):
    """Clients of a directory have no secret here: a gateway has authenticated them."""

    name = GATEWAY
    ambient = True

    def present(self, http: Any, params: Any) -> Credentials | None:
        named = http.headers.get("X-Gateway")
        return Credentials(named) if named else None

    def verify(self, attempt: Attempt) -> bool:
        return True


def usual(client_id: str) -> dict[str, Any]:
    return {
        "client_name": "Almanac",
        "redirect_uris": [f"{client_id}/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "notes:read notes:write openid",
    }


def described(name: str) -> Client:
    """The client of this name, as a test that walks for it knows it."""
    client_id = PLACE + name
    return Client(client_id=client_id, issuer="https://as.example", metadata=usual(client_id))
