"""Node's web apps, in which people sign in: passport-openidconnect and Auth.js in Express."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.clients.conftest import HERE, Register, register_at
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example, free_port

IN_ID_TOKENS = {"claims_in_id_token": True}
"""They read ID tokens, and nothing else: the operator lets them find the person's name there."""
POST = {"token_endpoint_auth_method": "client_secret_post"}
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("npm")]


@contextmanager
def served(script: str, example: Example, register: Register, callback: str, **metadata: Any) -> Iterator[str]:
    """Where *script* serves an app, which is a client with *metadata*."""
    port = free_port()
    client = register(
        client_name=script,
        redirect_uris=[f"http://127.0.0.1:{port}{callback}"],
        scope="openid profile email",
        **metadata,
    )
    environment = {
        **os.environ,
        "ISSUER": example.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "PORT": str(port),
    }
    command = ["node", str(HERE / script)]
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as node:
        try:
            assert node.stdout
            first = node.stdout.readline().strip()
            assert first.startswith("http"), first + node.stdout.read()
            yield first
        finally:
            node.terminate()


def test_passport(provider: Example, person_at_provider: Person) -> None:
    with served("passport.mjs", provider, register_at(provider), "/callback", **POST, **IN_ID_TOKENS) as app:
        seen = person_at_provider.visit(f"{app}/login")
        assert seen.json() == {"issuer": provider.url, "id": seen.json()["id"], "name": "Ada Example"}, seen.text


def test_auth_js(example: Example, register: Register, person: Person) -> None:
    with served("authjs.mjs", example, register, "/auth/callback/ours", **IN_ID_TOKENS) as app:
        token = person.browser.get(f"{app}/auth/csrf").json()["csrfToken"]
        form = {"csrfToken": token, "callbackUrl": f"{app}/"}
        sent = person.browser.post(f"{app}/auth/signin/ours", form, allow_redirects=False)
        seen = person.visit(sent.headers["Location"])
        assert seen.url == f"{app}/", seen.text
        user = seen.json()["user"]
        assert (user["name"], user["email"]) == ("Ada Example", "demo@example.com"), seen.text
