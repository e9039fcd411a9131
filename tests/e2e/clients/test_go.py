"""Go's clients: golang.org/x/oauth2 with go-oidc, at a browser and on a device, and oauth2-proxy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.conftest import HERE, Register
from tests.e2e.clients.person import Person
from tests.e2e.clients.test_device import polled
from tests.e2e.clients.test_device import registered as registered_device
from tests.e2e.clients.test_device import settings as device_settings
from tests.e2e.clients.test_openid_client import answered_by
from tests.e2e.conftest import Example, free_port
from tests.waiting import SOON, until_served

requests = pytest.importorskip("requests")
pytestmark = pytest.mark.e2e
CALLBACK = "https://client.example/callback"
OAUTH2_PROXY = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Go's own command, with what it builds."""
    if not shutil.which("go"):
        pytest.skip("Go is not installed")
    folder = tmp_path_factory.mktemp("go")

    def command(*arguments: str, cwd: Path = HERE / "go") -> Path:
        subprocess.run(["go", *arguments], cwd=cwd, check=True, env={**os.environ, "GOBIN": str(folder)})
        return folder

    return command


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_oauth2_with_go_oidc(go: Any, example: Example, register: Register, person: Person, method: str) -> None:
    client = register(
        client_name="A service in Go",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method=method,
        scope="openid profile offline_access",
    )
    program = go("install", ".") / "clients"
    environment = {
        "ISSUER": example.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "REDIRECT_URI": CALLBACK,
    }
    found = answered_by([str(program)], environment, person.answer)
    assert set(found.pop("scope").split()) == {"openid", "profile", "offline_access"}, "what is not known is left out"
    assert found == {
        "state": "the state",
        "nonce": "the nonce",
        "same": True,
        "name": "Ada Example",
        "refreshed": True,
    }


@pytest.mark.spec("RFC 8628", "3")
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_oauth2_on_a_device(go: Any, example: Example, register: Register, person: Person, decision: str) -> None:
    client = registered_device(register, scope="openid profile notes:read")
    program = go("install", "./device") / "device"
    found = polled(
        [str(program)],
        device_settings(example, client),
        lambda shown: person.connects(shown["verification_uri_complete"], decision=decision),
    )
    assert found == (
        {"same": True, "api": 200, "refreshed": True} if decision == "allow" else {"error": "access_denied"}
    )


def test_oauth2_proxy_with_a_long_link(go: Any, example: Example, register: Register, person: Person) -> None:
    """The link that somebody followed travels in `state`; behind a sign-in page it is still there."""
    port = free_port()
    at = f"http://127.0.0.1:{port}"
    client = register(client_name="A proxy", redirect_uris=[f"{at}/oauth2/callback"], scope="openid profile email")
    program = go("install", OAUTH2_PROXY, cwd=Path("/")) / "oauth2-proxy"
    options = {
        "http-address": f"127.0.0.1:{port}",
        "provider": "oidc",
        "oidc-issuer-url": example.url,
        "client-id": client["client_id"],
        "client-secret": client["client_secret"],
        "redirect-url": f"{at}/oauth2/callback",
        "code-challenge-method": "S256",
        "cookie-secret": "c" * 32,
        "cookie-secure": "false",
        "email-domain": "*",
        "upstream": "static://200",
        "skip-provider-button": "true",
        "pass-user-headers": "true",
    }
    command = [str(program), *(f"--{name}={value}" for name, value in options.items())]
    link = f"{at}/reports?filter=" + "x" * 3000
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as proxy:
        try:
            until_served(lambda: requests.get(f"{at}/ping", timeout=SOON), proxy, lambda: "it did not start")
            seen = person.visit(link)
        finally:
            proxy.terminate()
        assert proxy.stdout
        assert (seen.status_code, seen.url, seen.text) == (200, link, "Authenticated"), proxy.stdout.read()[-3000:]
