"""Devices without a browser (RFC 8628): oauth4webapi and openid-client from npm, Authlib, and a shell script with curl alone. A person goes where the
device says, over HTTP, while it polls."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.e2e.clients.conftest import HERE, Register
from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT, Example
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.spec("RFC 8628", "3")]

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
Shown = dict[str, Any]


def registered(register: Register, method: str = "none", scope: str = "notes:read") -> dict[str, Any]:
    return register(
        client_name="Television",
        grant_types=[DEVICE_CODE, "refresh_token"],
        token_endpoint_auth_method=method,
        scope=scope,
    )


def polled(command: list[str], environment: dict[str, str], answer: Callable[[Shown], object]) -> dict[str, Any]:
    """What *command* found, which first prints what the device shows and then polls, while *answer* acts on it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, **environment}, text=True, **pipes) as device:
        assert device.stdout and device.stderr
        shown = device.stdout.readline()
        assert shown.startswith("{"), shown + device.stderr.read()
        answer(json.loads(shown))
        out, err = device.communicate(timeout=PATIENCE)
        assert device.returncode == 0, err
    return json.loads(out)


def settings(example: Example, client: dict[str, Any]) -> dict[str, str]:
    return {
        "ISSUER": example.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client.get("client_secret", ""),
        "METHOD": client["token_endpoint_auth_method"],
        "API": f"{example.url}/api/notes/",
    }


def by_address(person: Person) -> Callable[[Shown], object]:
    """As by a QR code."""
    return lambda shown: person.connects(shown["verification_uri_complete"])


def by_typing(person: Person) -> Callable[[Shown], object]:
    return lambda shown: person.connects(shown["verification_uri"], code=shown["user_code"].lower().replace("-", " "))


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
@pytest.mark.parametrize("answered", [by_address, by_typing])
def test_oauth4webapi(
    example: Example, register: Register, person: Person, method: str, answered: Callable[[Person], Any]
) -> None:
    client = registered(register, method)
    script = ["node", str(HERE / "oauth4webapi_device.mjs")]
    found = polled(script, settings(example, client), answered(person))
    assert set(found.pop("told")) <= {"authorization_pending"}
    assert found == {"api": 200, "scope": "notes:read", "refreshed": True, "again": "invalid_grant"}


@pytest.mark.usefixtures("npm")
def test_oauth4webapi_is_told_that_access_was_denied(example: Example, register: Register, person: Person) -> None:
    client = registered(register)
    script = ["node", str(HERE / "oauth4webapi_device.mjs")]
    found = polled(
        script,
        settings(example, client),
        lambda shown: person.connects(shown["verification_uri_complete"], decision="deny"),
    )
    assert found["told"][-1] == "access_denied"


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize(("proves", "token_type"), [("", "bearer"), ("yes", "dpop")])
def test_openid_client(example: Example, register: Register, person: Person, proves: str, token_type: str) -> None:
    """With a key that it proves as well, and the nonces that the example requires: they make no poll too fast."""
    client = registered(register, scope="openid profile notes:read")
    script = ["node", str(HERE / "openid_client_device.mjs")]
    found = polled(script, settings(example, client) | {"PROVES": proves}, by_address(person))
    assert found == {"type": token_type, "api": 200, "name": "Ada Example", "refreshed": True}


@pytest.mark.usefixtures("npm")
def test_openid_client_is_told_that_access_was_denied(example: Example, register: Register, person: Person) -> None:
    client = registered(register, scope="openid profile notes:read")
    script = ["node", str(HERE / "openid_client_device.mjs")]
    found = polled(
        script,
        settings(example, client),
        lambda shown: person.connects(shown["verification_uri_complete"], decision="deny"),
    )
    assert found == {"error": "access_denied"}


def test_authlib(example: Example, register: Register, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    base = pytest.importorskip("authlib.integrations.base_client")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    client = registered(register, "client_secret_basic")
    server = requests.get(f"{example.url}/.well-known/oauth-authorization-server").json()
    session = authlib.OAuth2Session(
        client["client_id"], client["client_secret"], token_endpoint=server["token_endpoint"]
    )
    shown = session.post(
        server["device_authorization_endpoint"],
        data={"scope": "notes:read"},
        withhold_token=True,
        auth=session.client_auth("client_secret_basic"),
    ).json()

    def poll() -> Any:
        time.sleep(shown["interval"])
        return session.fetch_token(grant_type=DEVICE_CODE, device_code=shown["device_code"])

    with pytest.raises(base.OAuthError, match="authorization_pending"):
        poll()
    person.connects(shown["verification_uri_complete"])
    bought = poll()
    assert session.get(f"{example.url}/api/notes/").status_code == 200
    refreshed = session.refresh_token(server["token_endpoint"], refresh_token=bought["refresh_token"])
    assert refreshed["access_token"] != bought["access_token"]


@pytest.fixture
def script() -> list[str]:
    """As docs/device.md prints it."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    printed = re.search(
        r"^```sh\n(#!/bin/sh\n.*?)^```", (ROOT / "docs/device.md").read_text(encoding="utf-8"), re.S | re.M
    )
    assert printed
    return ["sh", "-c", printed[1]]


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_shell_script_with_curl_alone(
    example: Example, register: Register, person: Person, script: list[str], decision: str
) -> None:
    environment = os.environ | settings(example, registered(register))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(script, env=environment, text=True, **pipes) as device:
        assert device.stdout
        shown = re.search(r"http\S+", device.stdout.readline())
        assert shown
        person.connects(shown[0], decision=decision)
        out, err = device.communicate(timeout=PATIENCE)
    if decision == "allow":
        assert (device.returncode, type(json.loads(out))) == (0, list), err
    else:
        assert (device.returncode, json.loads(err)["error"]) == (1, "access_denied")
