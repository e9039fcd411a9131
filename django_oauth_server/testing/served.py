"""A `FakeIssuer` behind a real port of this machine, for what verifies in another process or another language."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from django_oauth_server.testing.issuer import FakeIssuer

_METADATA: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


@contextmanager
def served_issuer(*, audience: str = "", alg: str = "ES256", port: int = 0) -> Iterator[FakeIssuer]:
    """An issuer whose metadata (RFC 8414) and keys can be fetched. Its identifier is the address; *port* 0 takes any free one."""
    documents: dict[str, Callable[[], Mapping[str, object]]] = {}
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, documents))
    issuer = FakeIssuer(f"http://127.0.0.1:{server.server_port}", audience=audience, alg=alg)
    documents |= dict.fromkeys(_METADATA, lambda: _metadata(issuer)) | {"/jwks": issuer.jwks}
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _metadata(issuer: FakeIssuer) -> dict[str, object]:
    server = issuer.server()
    return {
        "issuer": server.issuer,
        "authorization_endpoint": server.authorization_endpoint,
        "token_endpoint": server.token_endpoint,
        "jwks_uri": f"{server.issuer}/jwks",
        "response_types_supported": ["code"],
    }


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, documents: Mapping[str, Callable[[], Mapping[str, object]]], *args: object) -> None:
        self._documents = documents
        super().__init__(*args)  # type: ignore[arg-type]  # as the server calls it

    def do_GET(self) -> None:
        make = self._documents.get(self.path)
        body = json.dumps(make() if make else {}).encode()
        self.send_response(200 if make else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a test has its own output."""
