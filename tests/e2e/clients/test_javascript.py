"""oauth4webapi, openid-client and oidc-client-ts, from npm."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.clients.conftest import HERE, Register
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example

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
        out, err = node.communicate(person.answer(url) + "\n", timeout=60)
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


@pytest.fixture
def other_origin(npm: Path, tmp_path: Path) -> Iterator[str]:
    """The page of a client, served from another origin."""
    shutil.copy(HERE / "oidc_client_ts.html", tmp_path / "index.html")
    shutil.copy(npm / "oidc-client-ts/dist/browser/oidc-client-ts.min.js", tmp_path)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
def test_oidc_client_ts_in_a_browser(example: Example, register: Register, chromium: Any, other_origin: str) -> None:
    client = register(
        client_name="oidc-client-ts",
        redirect_uris=[f"{other_origin}/"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="notes:read notes:write",
    )
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{other_origin}/#{example.url},{client['client_id']}")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    page.click("#login")
    page.click("#allow")
    page.wait_for_selector("text=signed in: notes:read notes:write")

    before = page.evaluate("manager.getUser().then(user => user.access_token)")
    after = page.evaluate("manager.signinSilent().then(user => user.access_token)")
    assert before != after
    api = f"{example.url}/api/notes/"
    assert requests.get(api, headers={"Authorization": f"Bearer {after}"}).status_code == 200

    page.evaluate("manager.revokeTokens()")
    assert requests.get(api, headers={"Authorization": f"Bearer {after}"}).status_code == 401
    context.close()
