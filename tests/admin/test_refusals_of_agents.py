"""An exchange, an assertion or a document that was refused is found by its reference, with the rule that refused it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.conf import IDJAG, Exchange
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.testing.tokens import issue_token
from tests.assertions import proof
from tests.exchange.conftest import SETTINGS
from tests.exchange.test_id_jag import Wiki, registered
from tests.exchange.walk import LEDGER, ORDERS, STOCK, Service
from tests.factories import ClientFactory
from tests.flow import TOKEN, Flow, form
from tests.trusted_issuers.idp import IDP, JWT_BEARER, agent, assertion, linked, trusting
from tests.workloads.platforms import github_token, trusted, workload_client

REFUSALS = "/admin/django_oauth_server/refusal/"
FORM = "application/x-www-form-urlencoded"
RULE = Exchange(client="orders", resources=(STOCK,), scopes=("stock:reserve",))


@pytest.fixture
def found(admin: Browser) -> Callable[[str], str]:
    """The page of the only refusal that an administrator finds by a reference."""

    def find(reference: str) -> str:
        (row,) = admin.get(REFUSALS, {"q": reference}).context["cl"].result_list
        return admin.get(f"{REFUSALS}{row.pk}/change/").content.decode()

    return find


@pytest.mark.parametrize(
    ("asked", "accepted"),
    [({"scope": "stock:read"}, "stock:reserve"), ({"resource": LEDGER}, STOCK)],
    ids=["scope", "resource"],
)
def test_an_exchange_is_found_with_its_rule_and_what_that_allows(
    settings: Any, user: Any, found: Any, asked: dict[str, str], accepted: str
) -> None:
    settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"rules": (RULE,)}}
    orders, front = Service("orders", ORDERS), ClientFactory(metadata__scope="stock:read stock:reserve")
    token = issue_token(user=user, client=front, scopes="stock:read stock:reserve", audience=ORDERS)
    page = found(orders.swap(token, **asked).json()["error_reference"])
    assert f"token_exchange: {RULE}" in page
    assert f"<div>{accepted}</div>" in page


def test_an_exchange_that_no_rule_is_about_is_found_with_the_setting(settings: Any, user: Any, found: Any) -> None:
    settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"rules": (RULE,)}}
    other = Service("other", ORDERS)
    token = issue_token(
        user=user, client=ClientFactory(metadata__scope="stock:read"), scopes="stock:read", audience=ORDERS
    )
    page = found(other.swap(token).json()["error_reference"])
    assert '<div class="readonly">token_exchange</div>' in page
    assert "<div>urn:ietf:params:oauth:grant-type:token-exchange</div>" not in page, "it was asked for, and is refused"


def test_an_assertion_is_found_with_its_rule_and_issuer(settings: Any, found: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting()
    client = Flow(agent(), Browser())
    refused = client.token(grant_type=JWT_BEARER, assertion=assertion(aud="https://elsewhere.example"))
    page = found(refused.json()["error_reference"])
    assert "RFC 7523 section 3" in page and IDP in page


@pytest.mark.parametrize(
    ("said", "asked", "rule", "reason"),
    [
        ({}, "email", "people.scopes", "beyond 'notes:read notes:write': email"),
        (
            {"scope": "notes:read"},
            "notes:write",
            "scope of the assertion",
            "beyond 'notes:read': notes:write",
        ),
        ({"scope": "email"}, None, "people.scopes", "scope 'email'; its people may bring 'notes:read"),
        ({"resource": LEDGER}, "notes:read", "resource of the assertion", f"resource '{LEDGER}'"),
    ],
)
def test_what_an_assertion_cannot_bring_is_found_with_the_setting_and_the_issuer(
    settings: Any, user: Any, found: Any, said: dict[str, str], asked: str | None, rule: str, reason: str
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting()
    linked(user)
    refused = Flow(agent(), Browser()).token(grant_type=JWT_BEARER, assertion=assertion(**said), scope=asked)
    page = unescape(found(refused.json()["error_reference"]))
    assert f'<div class="readonly">trusted_issuers: {rule}</div>' in page
    assert f"{IDP}: {reason}" in page
    assert "<div>notes:write</div>" not in page, "what the client may request would not pass"


def test_an_id_jag_for_a_server_without_a_rule_is_found_with_the_setting(
    settings: Any, found: Any, browser: Browser
) -> None:
    rule = IDJAG(client="wiki", audience="https://chat.example", client_id="w", scopes=("chat:read",))
    settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"id_jags": (rule,)}}
    wiki = Wiki(registered("wiki"), browser)
    page = found(wiki.ask("x", audience="https://mail.example").json()["error_reference"])
    assert '<div class="readonly">token_exchange</div>' in page
    assert "audience https://mail.example; there are rules for https://chat.example" in page


def test_a_workload_is_found_with_the_rule(settings: Any, found: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": trusted()}}
    workload_client("deploy")
    asked = {"grant_type": "client_credentials"} | proof(
        github_token(sub="repo:octo-org@65/other@75:ref:refs/heads/main")
    )
    refused = Browser().post(TOKEN, form(asked), FORM)
    page = found(refused.json()["error_reference"])
    assert "trusted_issuers" in page and "Client authentication failed." in page


def test_a_document_at_a_blocked_host_is_found_with_the_host(settings: Any, found: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": {"policy": "open"}}
    DocumentHost.objects.create(issuer="https://as.example", host="evil.example", verdict="blocked")
    shown = Browser().get("/oauth/authorize", {"client_id": "https://app.evil.example/client.json"}).content.decode()
    reference = re.search(r'<code translate="no">([0-9A-F]{8})</code>', shown)
    assert reference
    page = found(reference[1])
    assert "has blocked clients whose document is at app.evil.example" in page
