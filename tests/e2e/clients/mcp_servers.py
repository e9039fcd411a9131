"""Where agents are sent: the example's MCP server, and one elsewhere. How they are made known: by registration, an operator or a document."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from tests.e2e.clients.conftest import register_at
from tests.e2e.conftest import ROOT, free_port, started
from tests.outbound.server import WebServer, as_json, write_certificate
from tests.waiting import PATIENCE, SOON, until_served

CALLBACK = "http://127.0.0.1:33418/callback"
SCOPES = "notes:read notes:write offline_access"
DOCUMENT_PATH = "/agent/client.json"
AGENT: dict[str, Any] = {
    "client_name": "An agent",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
    "application_type": "native",
}


class World:
    """The authorization server with its own MCP server, one of another process for each way to verify tokens, and the host of a document."""

    def __init__(self, home: Path) -> None:
        self.home, self._folder = home, home / "site"
        self._folder.mkdir()
        self._port = free_port()
        self.remote = f"http://127.0.0.1:{self._port}/mcp"
        certificate = write_certificate(home / "documents.pem", "localhost")
        self.documents = WebServer(certificate)
        self.document = self.documents.url(DOCUMENT_PATH, "localhost")
        """The address of a client ID metadata document."""
        self.documents.pages[DOCUMENT_PATH] = as_json(AGENT | {"client_id": self.document})
        self._certificate = certificate

    @contextmanager
    def running(self) -> Iterator[World]:
        settings = {
            "OAUTH_REGISTRATION": "open",
            "OAUTH_DOCUMENTS": "open",
            "OAUTH_CA_BUNDLE": str(self._certificate),
            "OAUTH_PRIVATE_HOSTS": f"localhost:{self.documents.port}",
            "REMOTE_MCP": self.remote,
        }
        with started(self._folder, flags=["--asgi"], **settings) as self.server:
            yield self
        self.documents.stop()

    @contextmanager
    def serving(self, kind: str) -> Iterator[str]:
        """The address of an MCP server: `beside` the authorization server, or of another process, which verifies by `jwks` or `introspection`."""
        if kind == "beside":
            yield f"{self.server.url}/mcp"
            return
        own = {"OAUTH_ISSUER": self.server.url, "REMOTE_MCP": self.remote, "VERIFIER": kind}
        if kind == "introspection":
            api = register_at(self.server)(
                client_name="Notes elsewhere", grant_types=[], resource_identifiers=[self.remote]
            )
            own |= {"OAUTH_CLIENT_ID": api["client_id"], "OAUTH_CLIENT_SECRET": api["client_secret"]}
        command = [
            *(sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "example_project")),
            *("remote_mcp.asgi:application", "--port", str(self._port), "--log-level", "warning"),
        ]
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        output = self.home / kind
        with output.open("w") as sink:
            process = subprocess.Popen(command, env=inherited | own, stdout=sink, stderr=subprocess.STDOUT)
        try:
            until_served(lambda: requests.get(self.remote, timeout=SOON), process, output.read_text)
            yield self.remote
        finally:
            process.terminate()
            process.wait(PATIENCE)

    @cached_property
    def made_by_an_operator(self) -> dict[str, Any]:
        """A client with a secret, as `createclient` makes one."""
        metadata = AGENT | {"token_endpoint_auth_method": "client_secret_basic", "scope": SCOPES}
        return register_at(self.server)(**metadata)


Known = Callable[[World], dict[str, Any]]
KNOWN: dict[str, Known] = {
    "registration": lambda world: {},
    "operator": lambda world: {"client": world.made_by_an_operator},
    "document": lambda world: {"document": world.document},
}
"""What an agent is given to begin with: a client, the address of its document, or nothing."""
