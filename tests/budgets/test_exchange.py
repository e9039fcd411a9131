"""What a token exchange costs the database, for an access token or an ID-JAG, and what a token that was exchanged does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.conf import IDJAG, Exchange
from django_oauth_server.testing.tokens import issue_token
from django_oauth_server.verifier import LocalVerifier
from tests.budgets.test_statements import signing, statements, tokens_for  # noqa: F401
from tests.exchange.test_id_jag import CHAT, Wiki, registered
from tests.exchange.walk import ORDERS, STOCK, Service
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]
FORMATS = pytest.mark.parametrize("format", ["opaque", "at+jwt"])


@pytest.fixture
def orders(settings: Any) -> Service:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "scopes": {"stock:read": "see what is in stock"},
        "resources": {ORDERS: "Orders", STOCK: "Stock"},
        "token_exchange": {"rules": (Exchange(client="orders", resources=(STOCK,), scopes=("stock:read",)),)},
    }
    return Service("orders", ORDERS)


def given(format: str) -> str:
    app = ClientFactory(metadata__scope="stock:read")
    return issue_token(user=UserFactory(), client=app, scopes="stock:read", audience=ORDERS, format=format)


@FORMATS
def test_an_exchange_reads_what_is_presented_and_stores_what_is_given(orders: Service, format: str) -> None:
    orders.swapped(given(format))
    token = given(format)
    with statements() as made:
        orders.swapped(token)
    assert made == ["SELECT token", *tokens_for("token")]


@FORMATS
def test_what_was_exchanged_is_exchanged_after_a_look_at_the_revocations(orders: Service, format: str) -> None:
    """And at the client that the person allowed, which is not the one that the token was issued to."""
    orders.client.access_token_format = format
    orders.client.save()
    orders.swapped(orders.swapped(given(format))["access_token"])
    token = orders.swapped(given(format))["access_token"]
    with statements() as made:
        orders.swapped(token)
    assert made == ["SELECT token", "SELECT client", "SELECT revocation", *tokens_for("token")]


def test_an_id_jag_is_signed_after_a_look_at_what_its_id_token_hangs_on(settings: Any, browser: Browser) -> None:
    """The authorization, with its person and its client. Nothing is stored."""
    rule = IDJAG(client="wiki", audience=CHAT, client_id="wiki-at-chat", scopes=("chat:read",))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"token_exchange": {"id_jags": (rule,)}}
    wiki = Wiki(registered("wiki"), browser)
    mine = wiki.id_token()
    wiki.id_jag(mine)
    with statements() as made:
        wiki.id_jag(mine)
    assert made == ["SELECT authorization"]


@pytest.mark.parametrize(
    "format, cost", [("opaque", ["SELECT token", "SELECT client"]), ("at+jwt", [])], ids=["opaque", "at+jwt"]
)
def test_a_token_that_was_exchanged_needs_the_client_that_the_person_allowed(
    orders: Service, format: str, cost: list[str]
) -> None:
    """Beside its own, which is read with it. Of a JWT nothing is read. Each process reads revocations once in a while."""
    orders.client.access_token_format = format
    orders.client.save()
    token = orders.swapped(given(format))["access_token"]
    LocalVerifier().verify(token)
    with statements() as made:
        LocalVerifier().verify(token)
    assert made == cost
