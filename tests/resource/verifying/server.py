"""An authorization server on a real port, which counts what it is asked and plays every trick."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, unquote_plus

from django_oauth_server.testing.issuer import FakeIssuer
from tests.waiting import HELD

AUDIENCE = "https://api.example/notes"
METADATA = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
JWKS = "/jwks"
INTROSPECT = "/introspect"

Answer = tuple[int, Mapping[str, str], bytes]


class TrickServer:
    """Serves a `FakeIssuer`'s metadata and keys, and knows opaque tokens by name.

    `tricks[path]` answers in place of what would be right. `calls` counts by path, also what a trick answered.
    """

    def __init__(self, path: str = "") -> None:
        self.calls: Counter[str] = Counter()
        self.tricks: dict[str, Callable[[], Answer]] = {}
        self.tokens: dict[str, dict[str, object]] = {}
        self.seen: list[dict[str, str]] = []
        """What was sent to the introspection endpoint."""
        self.credentials: list[tuple[str, str]] = []
        self.released = Event()
        self.released.set()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.start()
        self.issuer = FakeIssuer(f"http://127.0.0.1:{self._port}{path}", audience=AUDIENCE)
        self._path = path
        self.jwks_path = JWKS

    def start(self) -> None:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                owner._open.append(self.connection)

            def do_GET(self) -> None:
                self._answer(owner._answer(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                owner._asked(self.headers["Authorization"], body)
                self._answer(owner._answer(self.path))

            def _answer(self, answer: Answer) -> None:
                status, headers, body = answer
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self._write(body, slowly="X-Drip" in headers)
                except OSError:
                    self.close_connection = True  # who asked has gone

            def _write(self, body: bytes, *, slowly: bool) -> None:
                if not slowly:
                    self.wfile.write(body)
                    return
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)

            def log_message(self, format: str, *args: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None: ...

        self._open: list[object] = []
        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Nothing listens any more, and what was connected is cut."""
        if self._server is None:
            return
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(2)
        self._server = None

    def hold(self, path: str) -> None:
        """Let no answer of *path* out until `released` is set."""
        self.released.clear()
        self.tricks[path] = lambda: (self.released.wait(HELD), self._right(path))[1]

    def allow(self, token: str, **members: object) -> None:
        """Introspection says that *token* is good."""
        said: dict[str, object] = {
            "active": True,
            "client_id": "app",
            "sub": "alice",
            "scope": "notes:read",
            "aud": AUDIENCE,
            "exp": int(time.time()) + 300,
            **members,
        }
        self.tokens[token] = {name: value for name, value in said.items() if value is not None}

    def _asked(self, authorization: str, body: str) -> None:
        decoded = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        client_id, _, secret = decoded.partition(":")
        self.credentials.append((unquote_plus(client_id), unquote_plus(secret)))
        self.seen.append({name: values[0] for name, values in parse_qs(body).items()})

    def _answer(self, path: str) -> Answer:
        self.calls[path] += 1
        return self.tricks[path]() if path in self.tricks else self._right(path)

    def _right(self, path: str) -> Answer:
        if path == METADATA + self._path:
            return as_json(self.metadata())
        if path == self.jwks_path:
            return as_json(self.issuer.jwks())
        if path == INTROSPECT:
            return as_json(self.tokens.get(self.seen[-1]["token"], {"active": False}))
        return 404, {}, b"not here"

    def metadata(self) -> dict[str, object]:
        origin = f"http://127.0.0.1:{self._port}"
        return {
            "issuer": self.issuer.identifier,
            "authorization_endpoint": f"{origin}/authorize",
            "token_endpoint": f"{origin}/token",
            "jwks_uri": origin + self.jwks_path,
            "introspection_endpoint": origin + INTROSPECT,
        }


def as_json(document: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


def failing(status: int, **headers: str) -> Callable[[], Answer]:
    return lambda: (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"{}")
