"""Somebody who makes up client IDs, and servers of documents that play every trick: few are asked, nothing is stored, and the others go on."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.models import Client
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.outbound import allowances
from django_oauth_server.registry import default_issuer
from tests.clients.document_host import DocumentHost
from tests.hostile.conftest import everything
from tests.outbound.server import WebServer
from tests.waiting import PATIENCE, SOON, until

pytestmark = pytest.mark.django_db

FLOOD = 10_000
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def server(certificate: Path) -> Iterator[WebServer]:
    server = WebServer(certificate)
    yield server
    server.stop()


@pytest.fixture
def host(server: WebServer, certificate: Path, settings: Any) -> DocumentHost:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "client_id_metadata_documents": {"policy": "open"},
        "outbound_private_hosts": [f"{name}:{server.port}" for name in ("localhost", "other.example")],
        "outbound_ca_bundle": str(certificate),
    }
    return DocumentHost(server)


def ask(path: str, client_id: str, **more: Any) -> Any:
    if path in {"/oauth/authorize", "/oauth/logo", "/oauth/end-session"}:
        return Browser().get(path, {"client_id": client_id, "response_type": "code"}, **more)
    said = {"client_id": client_id, "grant_type": "authorization_code", "token": "t", "code": "c"}
    return Browser().post(path, "&".join(f"{name}={value}" for name, value in said.items()), FORM, **more)


PATHS = ("/oauth/authorize", "/oauth/token", "/oauth/logo", "/oauth/introspect", "/oauth/revoke")


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: what was spent comes back with the time."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    monkeypatch.setattr(allowances, "monotonic", lambda: 0.0)


@pytest.mark.spec("MCP", "authorization-server-abuse-protection")
@pytest.mark.usefixtures("_no_time_passes")
def test_made_up_ids_cost_few_fetches_and_no_rows(host: DocumentHost) -> None:
    before = everything()
    statuses = {ask(PATHS[number % len(PATHS)], host.url(f"/{number}")).status_code for number in range(FLOOD)}
    assert statuses <= {400, 401, 404, 429}
    assert sum(host.server.calls.values()) == 20
    kept = [(model, row) for model, row in everything() if not model.__name__.endswith("Failure")]
    assert kept == [(model, row) for model, row in before if not model.__name__.endswith("Failure")]
    assert not Client.objects.exists()
    assert Refusal.objects.count() < FLOOD


@pytest.mark.usefixtures("_no_time_passes")
def test_senders_that_are_many_find_one_host_shut(host: DocumentHost, resolve: Any) -> None:
    """And the document at another host is served to them all the while."""
    resolve("other.example", ["127.0.0.1"])
    other = host.url("/other.json", "other.example")
    host.say("/other.json", client_id=other)
    for number in range(500):
        sender = f"198.51.{number // 250}.{number % 250}"
        ask("/oauth/logo", host.url(f"/{number}"), REMOTE_ADDR=sender)
        assert ask("/oauth/logo", other, REMOTE_ADDR=sender).status_code == 200, number
    assert sum(host.server.calls.values()) <= 70
    assert ask("/oauth/logo", host.say(), REMOTE_ADDR="203.0.113.1").status_code == 429
    host.say("/late.json", client_id=(late := host.url("/late.json", "other.example")))
    assert ask("/oauth/logo", late, REMOTE_ADDR="203.0.113.1").status_code == 200, (
        "nor is it shut for what is asked later"
    )


def endless(server: socket.socket, context: Any, sent: list[int]) -> None:
    """Says 200 and sends without end."""
    connection, _ = server.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(4096)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000000000\r\n\r\n{")
            while True:
                sent[0] += stream.send(b" " * 65536)
    except OSError:
        pass


def test_of_five_gigabytes_few_bytes_are_read(host: DocumentHost, certificate: Path, settings: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening, sent = socket.create_server(("127.0.0.1", 0)), [0]
    port = listening.getsockname()[1]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": [f"localhost:{port}"]}
    thread = threading.Thread(target=endless, args=(listening, context, sent), daemon=True)
    thread.start()
    assert b"larger than" in ask("/oauth/authorize", f"https://localhost:{port}/client.json").content
    thread.join(PATIENCE)
    listening.close()
    assert not thread.is_alive(), "the connection was closed"
    assert sent[0] < 16 * 1024 * 1024, "what the buffers of both ends hold"


@pytest.mark.parametrize("drips", ["X-Drip", "X-Drip-Headers"])
def test_a_document_that_comes_in_drops_is_given_up_on(host: DocumentHost, settings: Any, drips: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=1)}
    client_id = host.say(client_name="A" * 1000)
    status, headers, body = host.server.pages["/client.json"]
    host.server.pages["/client.json"] = (status, {**headers, drips: "yes"}, body)
    began = time.monotonic()
    assert b"does not answer" in ask("/oauth/authorize", client_id).content
    assert time.monotonic() - began < SOON


@pytest.mark.spec("MCP", "authorization-server-abuse-protection")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["192.0.2.1", "127.0.0.1"],
        ["0.0.0.0"],
        ["100.100.100.200"],
        ["fd00::1"],
        ["64:ff9b::7f00:1"],
    ],
)
def test_a_name_that_leads_inside_is_not_followed(host: DocumentHost, resolve: Any, addresses: list[str]) -> None:
    resolve("client.example", addresses)
    page = ask("/oauth/authorize", host.url(host="client.example"))
    assert b"not a host on the internet" in page.content
    assert not any(address.encode() in page.content for address in addresses)
    assert host.server.connected == []


def test_a_name_that_is_judged_once_and_leads_inside_afterwards(host: DocumentHost, resolve: Any) -> None:
    """DNS rebinding: the address that was judged is the one that is asked."""
    resolve("client.example", ["192.0.2.1"], ["127.0.0.1"])
    assert ask("/oauth/logo", host.url(host="client.example")).status_code == 404
    assert host.server.connected == []


def test_a_redirect_inside_is_not_followed(host: DocumentHost) -> None:
    host.server.pages["/client.json"] = (302, {"Location": host.url("/inside")}, b"")
    assert ask("/oauth/logo", host.url()).status_code == 404
    assert host.server.calls == {"/client.json": 1}


def test_a_server_that_is_silent_holds_few_threads(host: DocumentHost, resolve: Any) -> None:
    """While it is asked, others are told at once to come again, and the clients of other hosts are served."""
    resolve("other.example", ["127.0.0.1"])
    known = host.say("/known.json")
    issuer = default_issuer()
    assert find_client(issuer, known)
    host.server.released.clear()

    def look(number: int) -> bool:
        try:
            find_client(issuer, host.url(f"/{number}", "other.example"))
        except TemporarilyUnavailable:
            return True
        finally:
            connection.close()
        return False

    with ThreadPoolExecutor(12) as threads:
        looking = [threads.submit(look, number) for number in range(12)]
        until(lambda: sum(one.done() for one in looking) >= 8)
        assert find_client(issuer, known)
        told = [one.result() for one in looking if one.done()]
        host.server.released.set()
    assert len(told) < 12 and all(told), "they were told while some wait"
