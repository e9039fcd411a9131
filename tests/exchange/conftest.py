"""Two services behind an app: `orders`, which the app calls, and `stock`, which orders calls for the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_oauth_server.conf import Exchange
from django_oauth_server.testing.tokens import issue_token
from tests.exchange.walk import LEDGER, ORDERS, STOCK, Service
from tests.factories import ClientFactory

SETTINGS = {
    "issuer": "https://as.example",
    "logout_delivery": "command",
    "scopes": {"orders:write": "place orders", "stock:read": "see what is in stock", "stock:reserve": "reserve goods"},
    "resources": {ORDERS: "Orders", STOCK: "Stock", LEDGER: "Ledger"},
}


@pytest.fixture
def exchanges(settings: Any, db: None) -> Callable[..., None]:
    """Have the server exchange tokens by these rules."""

    def use(*rules: Exchange, server: dict[str, Any] | None = None, **more: Any) -> None:
        settings.OAUTH_SERVER = SETTINGS | (server or {}) | {"token_exchange": {"rules": rules, **more}}

    use(rule())
    return use


def rule(**more: Any) -> Exchange:
    """Orders may reserve at stock what its caller may."""
    return Exchange(**({"client": "orders", "resources": (STOCK,), "scopes": ("stock:read", "stock:reserve")} | more))


@pytest.fixture
def orders(exchanges: Callable[..., None]) -> Service:
    """The service that the app calls, which may exchange what it is given."""
    return Service("orders", ORDERS)


@pytest.fixture
def front(exchanges: Callable[..., None]) -> Any:
    """The app that the person uses."""
    return ClientFactory(client_id="front", metadata__scope="orders:write stock:read stock:reserve")


@pytest.fixture
def given(front: Any, user: Any) -> Callable[..., str]:
    """An access token that *user* allowed the app, for orders."""

    def give(scopes: str = "orders:write stock:read", **more: Any) -> str:
        return issue_token(**({"user": user, "client": front, "scopes": scopes, "audience": ORDERS} | more))

    return give
