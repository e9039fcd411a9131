"""Clients that prove possession of their key (RFC 9449): oauth4webapi and openid-client, from npm, without nonces and with nonces that both servers
require. Authlib 1.9 cannot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.clients.conftest import register_at
from tests.e2e.clients.person import Person
from tests.e2e.clients.test_openid_client import run
from tests.e2e.conftest import Example, started

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("npm"), pytest.mark.spec("RFC 9449", "5")]

CALLBACK = "https://client.example/callback"
KEYS = {"ES256": ["none", "client_secret_basic"], "Ed25519": ["none"], "RS256": ["none"], "PS256": ["none"]}


@pytest.fixture(scope="module")
def without_nonces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with started(tmp_path_factory.mktemp("without_nonces"), OAUTH_DPOP_NONCES="off") as running:
        yield running


@pytest.fixture(params=["example", "without_nonces"])
def server(request: pytest.FixtureRequest) -> Example:
    return request.getfixturevalue(request.param)


def environment(server: Example, method: str, alg: str = "ES256") -> dict[str, str]:
    client = register_at(server)(
        client_name="It proves",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method=method,
        scope="openid profile notes:read offline_access",
        dpop_bound_access_tokens=True,
    )
    return {
        "ISSUER": server.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client.get("client_secret", ""),
        "METHOD": method,
        "REDIRECT_URI": CALLBACK,
        "API": f"{server.url}/api/notes/",
        "ALG": alg,
    }


@pytest.mark.parametrize(("alg", "method"), [(alg, method) for alg, methods in KEYS.items() for method in methods])
def test_oauth4webapi(server: Example, alg: str, method: str) -> None:
    person = Person(server.password)
    found = run("oauth4webapi_dpop.mjs", environment(server, method, alg), person.answer)
    assert found == {
        "nonces": 0 if "OAUTH_DPOP_NONCES" in server.environment else 1,
        "type": "dpop",
        "api": 200,
        "name": "Ada Example",
        "again": 200,
        "bearer": ["bearer invalid_token", "dpop"],
        "another": ["dpop invalid_token"],
        "stolen": "invalid_grant" if method == "none" else "",
    }


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
def test_openid_client(server: Example, method: str) -> None:
    person = Person(server.password)
    found = run("openid_client_dpop.mjs", environment(server, method), person.answer)
    bound = {} if method == "none" else {"bound": True}
    assert found == {"type": "dpop", "api": 200, "name": "Ada Example", "again": 200, **bound}
