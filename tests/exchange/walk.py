"""A service that exchanges tokens, and can be told to get any parameter wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser

from tests.factories import ClientFactory
from tests.flow import Flow

ORDERS, STOCK, LEDGER = "https://orders.example", "https://stock.example", "https://ledger.example"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"


class Service(Flow):
    """A client that serves *resource*."""

    def __init__(self, client_id: str, resource: str, **more: Any) -> None:
        metadata = {
            "metadata__grant_types": [TOKEN_EXCHANGE],
            "metadata__resource_identifiers": [resource],
            "metadata__scope": "orders:write stock:read stock:reserve",
        }
        super().__init__(ClientFactory(client_id=client_id, **(metadata | more)), Browser())

    def swap(self, token: str, /, **params: Any) -> HttpResponse:
        """A token exchange request (RFC 8693 section 2.1)."""
        request = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": token,
            "subject_token_type": TYPE + "access_token",
            "resource": STOCK,
        }
        return self.token(**(request | params))

    def swapped(self, token: str, /, **params: Any) -> dict[str, Any]:
        response = self.swap(token, **params)
        assert response.status_code == 200, response.content
        return response.json()
