"""Agents that present themselves by a document (client ID metadata documents), as they publish it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Client
from django_oauth_server.protocol.jose import SigningKeyPair
from tests.assertions import assertion, jwks, proof
from tests.flow import Flow
from tests.mcp.agents import DESCRIBED, Agent
from tests.outbound.server import WebServer, as_json

pytestmark = [pytest.mark.django_db, pytest.mark.spec("MCP", "client-id-metadata-documents")]

CODE = ["authorization_code", "refresh_token"]
KEY = SigningKeyPair.generate("RS256")


@pytest.fixture
def host(certificate: Path, settings: Any) -> Iterator[WebServer]:
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "client_id_metadata_documents": {"policy": "open"},
        "outbound_private_hosts": [f"localhost:{server.port}"],
        "outbound_ca_bundle": str(certificate),
    }
    yield server
    server.stop()


def published(agent: Agent, host: WebServer, **changes: Any) -> Client:
    """The client that the document of *agent* describes, which is at *host* as it is elsewhere."""
    document = {**(agent.document or {}), **changes}
    client_id = document["client_id"] = host.url("/client.json", "localhost")
    if "jwks_uri" in document:
        document["jwks_uri"] = host.url("/jwks.json", "localhost")
        host.pages["/jwks.json"] = as_json(jwks(KEY))
    host.pages["/client.json"] = as_json(document)
    return Client(client_id=client_id, issuer="https://as.example", metadata=document)


def named(name: str) -> Agent:
    return next(one for one in DESCRIBED if one.name == name)


def place(uri: str) -> tuple[str, str | None, str]:
    """*uri* without its port."""
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.path


@pytest.mark.parametrize("agent", DESCRIBED, ids=[one.name for one in DESCRIBED])
def test_an_agent_gets_its_tokens_at_whichever_of_its_addresses_it_names(
    agent: Agent, host: WebServer, browser: Browser
) -> None:
    client = published(agent, host)
    flow = Flow(client, browser)
    mine = {*map(place, client.redirect_uris)}
    sent = [uri for uri in agent.sends if place(uri) in mine]
    assert sent
    for uri in sent:
        code = flow.code(redirect_uri=uri, scope="notes:read")
        own = {"client_id": client.client_id, "authorization": None}
        if not client.is_public:
            own |= proof(assertion(client, KEY))
        tokens = flow.exchange(code, redirect_uri=uri, **own).json()
        assert tokens["scope"] == "notes:read", uri
        assert ("refresh_token" in tokens) == ("refresh_token" in client.grant_types)
    assert host.calls["/client.json"] == 1


def test_chatgpt_signs_with_its_key_and_is_not_let_in_without(host: WebServer, browser: Browser) -> None:
    client = published(named("ChatGPT"), host)
    flow = Flow(client, browser)
    refused = flow.exchange(flow.code(scope="notes:read"), authorization=None, client_id=client.client_id)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_a_grant_type_that_no_person_is_asked_for_is_not_given(host: WebServer, browser: Browser) -> None:
    """Claude's document names the JWT bearer grant, for enterprise-managed authorization."""
    client = published(named("Claude"), host)
    flow = Flow(client, browser)
    assert flow.tokens(scope="notes:read")
    assert Client.objects.get().grant_types == CODE
    asked = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x.y.z"}
    assert flow.token(**asked).json()["error"] in {"unauthorized_client", "unsupported_grant_type"}


def test_scopes_that_mean_nothing_here_do_not_shut_it_out(host: WebServer, browser: Browser) -> None:
    """A document is the same for every authorization server."""
    client = published(named("Zed"), host)
    assert client.metadata["scope"] == "mcp:*"
    assert Flow(client, browser).tokens(scope="notes:read")["scope"] == "notes:read"


@pytest.mark.spec("MCP", "step-up-authorization-flow")
def test_it_may_ask_people_for_more_than_its_document_names(host: WebServer, browser: Browser) -> None:
    flow = Flow(published(named("Claude Code"), host, scope="notes:read"), browser)
    assert flow.tokens(scope="notes:read notes:write")["scope"] == "notes:read notes:write"


def test_the_address_of_another_path_is_refused_with_what_to_mend(host: WebServer, browser: Browser) -> None:
    """As opencode sent it for a while: the port may be any, the path may not."""
    flow = Flow(published(named("opencode"), host), browser)
    page = flow.authorize(redirect_uri="http://127.0.0.1:19876/mcp/oauth/callback")
    assert (page.status_code, "Location" in page) == (400, False)
    assert "redirect_uri" in page.content.decode()


@pytest.mark.spec("MCP", "localhost-redirect-uri-risks")
@pytest.mark.spec("Client ID Metadata Document", "8.5")
def test_people_see_the_host_of_the_document_and_where_the_answer_goes(host: WebServer, browser: Browser) -> None:
    page = Flow(published(named("Claude"), host), browser).authorize(scope="notes:read").content.decode()
    assert f"localhost:{host.port}" in page
    assert "claude.ai" in page, "the host of the redirect URI"


def test_it_is_told_in_the_metadata_where_it_is_on(host: WebServer, settings: Any) -> None:
    told = Browser().get("/.well-known/oauth-authorization-server").json()
    assert told["client_id_metadata_document_supported"] is True
    assert "none" in told["token_endpoint_auth_methods_supported"], "Claude looks at both"
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": {"policy": "off"}}
    assert (
        "client_id_metadata_document_supported" not in Browser().get("/.well-known/oauth-authorization-server").json()
    )
