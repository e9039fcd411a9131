"""Clients that push their requests (RFC 9126): oauth4webapi and openid-client, from npm. Authlib 1.9 cannot."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey

from tests.e2e.clients.conftest import Register
from tests.e2e.clients.person import Person
from tests.e2e.clients.test_openid_client import run
from tests.e2e.conftest import Example

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("npm"), pytest.mark.spec("RFC 9126", "2")]

CALLBACK = "https://client.example/callback"
KEY = ECKey.generate_key("P-256", {"kid": "rp-1", "use": "sig"})
KEYS = {"private_key_jwt": {"jwks": {"keys": [KEY.as_dict(private=False)]}}}


def environment(example: Example, register: Register, method: str, scope: str, **more: object) -> dict[str, str]:
    client = register(
        client_name="It pushes",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method=method,
        scope=scope,
        require_pushed_authorization_requests=True,
        **KEYS.get(method, {}),
        **more,
    )
    return {
        "ISSUER": example.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client.get("client_secret", ""),
        "METHOD": method,
        "PRIVATE_JWK": json.dumps(KEY.as_dict(private=True)),
        "REDIRECT_URI": CALLBACK,
        "API": f"{example.url}/api/notes/",
    }


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
def test_oauth4webapi(example: Example, register: Register, person: Person, method: str) -> None:
    asked = environment(example, register, method, "notes:read notes:write")
    found = run("oauth4webapi_pushed.mjs", asked, person.answer)
    assert found == {"refused": "invalid_request", "lives": 90, "api": 200, "scope": "notes:read notes:write"}


@pytest.mark.parametrize("method", ["none", "client_secret_post", "private_key_jwt"])
def test_openid_client(example: Example, register: Register, person: Person, method: str) -> None:
    found = run("openid_client_pushed.mjs", environment(example, register, method, "openid profile"), person.answer)
    assert found == {"sent": ["client_id", "request_uri"], "name": "Ada Example"}
