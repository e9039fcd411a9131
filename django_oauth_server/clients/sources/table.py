"""The clients that were registered here, by an operator or by themselves (RFC 7591)."""

from __future__ import annotations

from django_oauth_server.clients.sources.base import ClientSource
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


class Table(ClientSource):
    """The table of clients: whoever has a row of its own is what the row says."""

    name = Client.TABLE

    def find(self, issuer: Issuer, client_id: str, row: Client | None) -> Client | None:
        return row
