"""The API server of a Kubernetes cluster, as far as it publishes the keys of its service accounts: over TLS, with a certificate of its own CA."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.outbound.server import write_certificate

KEYS = "/openid/v1/jwks"
DISCOVERY = "/.well-known/openid-configuration"


class Cluster:
    """What it serves can be changed while it runs; what it was asked is written down."""

    def __init__(self, ca_bundle: Path) -> None:
        self.ca_bundle = ca_bundle
        self.jwks: dict[str, Any] = {"keys": []}
        self.demands = ""
        """The bearer token that it demands. Empty: its documents are for anybody (`system:unauthenticated`)."""
        self.asked: list[str] = []
        self.address = ""
        self.jwks_uri = ""
        """Where its metadata say that the keys are. Empty: where they are."""

    def answer(self, path: str, headers: Any) -> tuple[int, str, dict[str, Any]]:
        """A JWK Set is of its own type alone: other clients are told 406."""
        self.asked.append(path)
        if self.demands and headers.get("Authorization") != f"Bearer {self.demands}":
            return 403 if headers.get("Authorization") is None else 401, "application/json", {"kind": "Status"}
        if path == DISCOVERY:
            return 200, "application/json", {"issuer": self.address, "jwks_uri": self.jwks_uri or self.address + KEYS}
        if path == KEYS and "application/jwk-set+json" in headers.get("Accept", ""):
            return 200, "application/jwk-set+json", self.jwks
        return 406 if path == KEYS else 404, "application/json", {"kind": "Status"}


@contextmanager
def running(directory: Path) -> Iterator[Cluster]:
    cluster = Cluster(directory / "ca.crt")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster.answer))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(directory, cluster.ca_bundle))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    cluster.address = f"https://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(answer: Callable[[str, Any], tuple[int, str, dict[str, Any]]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, document = answer(self.path, self.headers)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler


def _certificate(directory: Path, ca_bundle: Path) -> Path:
    path = write_certificate(directory / "server.pem", "127.0.0.1")
    ca_bundle.write_bytes(path.read_bytes())
    return path
