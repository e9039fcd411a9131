"""Clients that documents describe, through the front door (draft-ietf-oauth-client-id-metadata-document)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Client
from django_oauth_server.outbound import kept
from tests.clients.document_host import DocumentHost
from tests.flow import Flow
from tests.outbound.server import WebServer, write_certificate

pytestmark = pytest.mark.django_db

Later = Callable[[float], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("certificates") / "client.pem", "localhost", "127.0.0.1")


@pytest.fixture
def host(certificate: Path, settings: Any) -> Iterator[DocumentHost]:
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "client_id_metadata_documents": {"policy": "open"},
        "outbound_private_hosts": [f"localhost:{server.port}", f"127.0.0.1:{server.port}"],
        "outbound_ca_bundle": str(certificate),
    }
    yield DocumentHost(server)
    server.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Put the clock by which documents are kept forward."""
    passed, real = 0.0, time.monotonic

    def put_forward(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(kept, "monotonic", lambda: real() + passed)
    return put_forward


@pytest.fixture
def flow(host: DocumentHost, browser: Browser) -> Flow:
    client = host.client()
    client.metadata["redirect_uris"].reverse()
    return Flow(client, browser)


class TestItIsAClient:
    def test_a_person_allows_it_and_it_is_given_tokens(self, flow: Flow, host: DocumentHost) -> None:
        tokens = flow.tokens(scope="notes:read")
        assert flow.refresh(tokens["refresh_token"]).status_code == 200
        row = Client.objects.get()
        assert (row.client_id, row.source, row.registered_by) == (
            host.url(),
            "client_id_metadata_document",
            "document",
        )
        assert host.asked() == 1

    def test_metadata_says_so(self, host: DocumentHost) -> None:
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            assert Browser().get(path).json()["client_id_metadata_document_supported"] is True

    def test_it_is_off_unless_it_is_switched_on(self, flow: Flow, host: DocumentHost, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": {}}
        refused = flow.authorize()
        assert refused.status_code == 400
        assert b"does not accept client ID metadata documents" in refused.content
        assert host.asked() == 0
        metadata = Browser().get("/.well-known/oauth-authorization-server").json()
        assert "client_id_metadata_document_supported" not in metadata
