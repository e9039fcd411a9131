"""What a client that is described by a document costs the database, once its document is known."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models.document_host import DocumentHost as SaidOfHost
from tests.budgets.test_statements import signing, statements, tokens_for  # noqa: F401
from tests.clients.document_host import DocumentHost
from tests.clients.test_documents import _server, host  # noqa: F401
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]


@pytest.fixture
def flow(host: DocumentHost) -> Flow:  # noqa: F811
    """Of a client that a person has allowed before."""
    browser = Browser()
    browser.force_login(UserFactory())
    flow = Flow(host.client(), browser)
    flow.tokens(scope="notes:read")
    return flow


def test_what_stands_of_its_host_is_read_with_the_client(flow: Flow) -> None:
    with statements() as made:
        code = flow.code(scope="notes:read")
    assert made == [
        "SELECT django_session",
        "SELECT auth_user",
        "SELECT client",
        "SELECT documenthost",
        "INSERT ticket",
    ]
    with statements() as made:
        assert flow.exchange(code).status_code == 200
    assert made == ["SELECT client", "SELECT documenthost", "SELECT ticket", *tokens_for("ticket")]


@pytest.mark.usefixtures("host")
def test_hosts_are_not_looked_at_for_a_registered_client() -> None:
    with statements() as made:
        Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser()).token(
            grant_type="client_credentials", scope="notes:read"
        )
    assert "SELECT documenthost" not in made


@pytest.mark.parametrize("policy", ["off", "listed", "open"])
def test_the_list_of_clients_asks_once_what_is_said_of_all_hosts(settings: Any, policy: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": {"policy": policy}}
    for number in range(20):
        ClientFactory(
            client_id=f"https://app{number}.example/client.json",
            registered_by="document",
            source="client_id_metadata_document",
        )
        SaidOfHost.objects.create(issuer="https://as.example", host=f"app{number}.example", verdict="vouched")
    SaidOfHost.objects.filter(host="app7.example").update(verdict="blocked")
    browser = Browser()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    with statements() as made:
        page = browser.get("/admin/django_oauth_server/client/").content.decode()
    asked = [] if policy == "off" else ["SELECT documenthost"]
    assert made == ["SELECT django_session", "SELECT auth_user", "SELECT client", "SELECT client", *asked]
    assert page.count(">not accepted<") == {"off": 20, "listed": 1, "open": 1}[policy]
