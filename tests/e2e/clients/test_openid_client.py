"""openid-client, from npm, as a relying party."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.e2e.clients.conftest import HERE, Register, register_at
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("npm")]

CALLBACK = "https://client.example/callback"
KEY = ECKey.generate_key("P-256", {"kid": "rp-1", "use": "sig"})
METHODS: dict[str, dict[str, object]] = {
    "none": {},
    "client_secret_basic": {},
    "client_secret_post": {},
    "client_secret_jwt": {},
    "private_key_jwt": {"jwks": {"keys": [KEY.as_dict(private=False)]}},
}
GRANT_TYPES = {"authorization_code": "code", "refresh_token": "code", "implicit": "id_token"}
"""Which part of a response type needs which (Dynamic Client Registration section 2)."""


def run(script: str, environment: dict[str, str], *answers: Callable[[str], str]) -> dict[str, Any]:
    """What *script*, which Node runs, found; its authorization requests are answered by *answers*."""
    return answered_by(["node", str(HERE / script)], environment, *answers)


def answered_by(command: list[str], environment: dict[str, str], *answers: Callable[[str], str]) -> dict[str, Any]:
    """What *command* found, whose authorization requests are answered by *answers*."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, **environment}, text=True, **pipes) as client:
        assert client.stdin and client.stdout and client.stderr
        for answer in answers:
            url = client.stdout.readline().strip()
            assert url.startswith("http"), url + client.stderr.read()
            print(answer(url), file=client.stdin, flush=True)
        out, err = client.communicate(timeout=PATIENCE)
        assert client.returncode == 0, err
    return json.loads(out)


def relying_party(register: Register, method: str, response_type: str = "code") -> dict[str, Any]:
    grant_types = [name for name, part in GRANT_TYPES.items() if part in response_type.split()]
    return register(
        client_name="openid-client",
        redirect_uris=[CALLBACK],
        grant_types=grant_types,
        response_types=[response_type],
        token_endpoint_auth_method=method,
        scope="openid profile email offline_access",
        **METHODS[method],
    )


def settings(server: Example, client: dict[str, Any], response_type: str = "code") -> dict[str, str]:
    return {
        "ISSUER": server.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client.get("client_secret", ""),
        "METHOD": client["token_endpoint_auth_method"],
        "PRIVATE_JWK": json.dumps(KEY.as_dict(private=True)),
        "REDIRECT_URI": CALLBACK,
        "RESPONSE_TYPE": response_type,
    }


@pytest.mark.requirement(19)
@pytest.mark.requirement(21)
@pytest.mark.requirement(29)
@pytest.mark.requirement(33)
@pytest.mark.parametrize("method", METHODS)
def test_code_flow(example: Example, register: Register, person: Person, method: str) -> None:
    client = relying_party(register, method)
    found = run("openid_client_openid.mjs", settings(example, client), person.answer, person.is_sent)
    assert found == {"name": "Ada Example", "email": "demo@example.com", "same": True, "silent": True}


@pytest.mark.requirement(23)
def test_hybrid_flow(provider: Example, person_at_provider: Person) -> None:
    client = relying_party(register_at(provider), "client_secret_basic", "code id_token")
    found = run(
        "openid_client_openid.mjs",
        settings(provider, client, "code id_token"),
        person_at_provider.answer,
        person_at_provider.is_sent,
    )
    assert found == {"name": "Ada Example", "email": "demo@example.com", "same": True, "silent": True}


@pytest.mark.requirement(23)
def test_implicit_flow(provider: Example, person_at_provider: Person) -> None:
    client = relying_party(register_at(provider), "client_secret_basic", "id_token")
    found = run("openid_client_openid.mjs", settings(provider, client, "id_token"), person_at_provider.answer)
    assert found == {"subject": True, "name": "Ada Example"}


@pytest.mark.requirement(25)
@pytest.mark.requirement(38)
@pytest.mark.requirement(43)
def test_it_registers_itself_signs_its_request_and_signs_out(provider: Example, person_at_provider: Person) -> None:
    environment = {
        "ISSUER": provider.url,
        "PRIVATE_JWK": json.dumps(KEY.as_dict(private=True)),
        "REDIRECT_URI": CALLBACK,
        "SIGNED_OUT_URI": "https://client.example/signed-out",
    }
    person = person_at_provider
    found = run("openid_client_registers.mjs", environment, person.answer, person.leaves_for)
    assert found == {"name": "Ada Example", "state": True}
