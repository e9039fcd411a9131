"""The one client that asks other servers: whom it trusts, and how long it listens."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from django_oauth_server.resource.verifiers.http import JSONClient, Unreachable
from tests.outbound.server import write_certificate
from tests.resource.verifying.server import METADATA, TrickServer, failing
from tests.waiting import PATIENCE, SOON


@pytest.fixture
def client() -> JSONClient:
    return JSONClient(timeout=timedelta(seconds=PATIENCE))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine that nobody knows, with its key."""
    return write_certificate(tmp_path / "certificate.pem", "127.0.0.1")


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[str]:
    server = TrickServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    yield server.issuer.identifier.replace("http:", "https:") + METADATA
    server.stop()


def test_a_certificate_that_nobody_knows_is_not_trusted(client, encrypted):
    with pytest.raises(Unreachable, match="SSLError"):
        client.get(encrypted)


def test_a_bundle_says_whom_to_trust(encrypted, certificate):
    assert "issuer" in JSONClient(timeout=timedelta(seconds=PATIENCE), ca_bundle=str(certificate)).get(encrypted)


def test_a_certificate_of_another_host_is_not_trusted(encrypted, certificate):
    client = JSONClient(timeout=timedelta(seconds=PATIENCE), ca_bundle=str(certificate))
    with pytest.raises(Unreachable, match="SSLError"):
        client.get(encrypted.replace("127.0.0.1", "localhost"))


def test_an_answer_that_comes_in_drops_is_given_up_on(server):
    client = JSONClient(timeout=timedelta(seconds=0.5))
    server.tricks[METADATA] = lambda: (200, {"X-Drip": "yes"}, b" " * 1000)
    began = time.perf_counter()
    with pytest.raises(Unreachable, match="slowly"):
        client.get(server.issuer.identifier + METADATA)
    assert time.perf_counter() - began < SOON


def test_a_redirect_is_not_followed(client, server):
    server.tricks["/from"] = failing(302, Location=METADATA)
    with pytest.raises(Unreachable, match="302"):
        client.get(f"{server.issuer.identifier}/from")
    assert server.calls[METADATA] == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "http://a..b/"])
def test_where_nobody_is_nothing_else_is_raised(client, url):
    with pytest.raises(Unreachable):
        client.get(url)


def test_one_connection_serves_many_questions(client, server):
    for _ in range(5):
        client.get(server.issuer.identifier + METADATA)
    assert len(server._open) == 1


@pytest.mark.spec("RFC 9110", "10.2.3")
@pytest.mark.parametrize(
    ("told", "heeded"), [("7", 7), ("0", 0), ("-5", 0), ("9" * 1000, 60), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("", 0)]
)
def test_a_server_may_ask_to_be_left_alone_for_a_minute_at_most(client, server, told, heeded):
    server.tricks["/busy"] = failing(503, Retry_After=told)
    with pytest.raises(Unreachable) as answer:
        client.get(f"{server.issuer.identifier}/busy")
    assert answer.value.retry_after == heeded
