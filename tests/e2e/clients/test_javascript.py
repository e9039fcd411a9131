"""oauth4webapi and openid-client, from npm, as plain OAuth clients."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.e2e.clients.conftest import HERE, Register
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example
from tests.waiting import PATIENCE

pytestmark = pytest.mark.e2e

CALLBACK = "https://client.example/callback"


def run(script: str, example: Example, person: Person, client: dict[str, str], method: str) -> dict[str, Any]:
    """Start *script* with Node, answer its authorization request, return what it found."""
    environment = {
        **os.environ,
        "ISSUER": example.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client.get("client_secret", ""),
        "METHOD": method,
        "REDIRECT_URI": CALLBACK,
        "API": f"{example.url}/api/notes/",
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(["node", str(HERE / script)], env=environment, text=True, **pipes) as node:
        assert node.stdout and node.stderr
        url = node.stdout.readline().strip()
        assert url.startswith(example.url), node.stderr.read()
        out, err = node.communicate(person.answer(url) + "\n", timeout=PATIENCE)
        assert node.returncode == 0, err
    return json.loads(out)


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_oauth4webapi(example: Example, register: Register, person: Person, method: str) -> None:
    client = register(
        client_name="oauth4webapi",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method=method,
        scope="notes:read notes:write",
    )
    found = run("oauth4webapi.mjs", example, person, client, method)
    assert found.pop("active", True)
    assert found == {
        "api": 200,
        "scope": "notes:read notes:write",
        "offered": ["notes:read", "notes:write"],
        "refreshed": True,
        "rotated": method == "none",
        "challenge": "invalid_token",
        "metadata": f"{example.url}/.well-known/oauth-protected-resource",
    }


@pytest.mark.usefixtures("npm")
def test_openid_client(example: Example, register: Register, person: Person) -> None:
    client = register(
        client_name="openid-client",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        scope="notes:read",
    )
    found = run("openid_client.mjs", example, person, client, "client_secret_basic")
    assert found == {"api": 200, "scope": "notes:read", "active": True, "own": "notes:read", "after": False}
