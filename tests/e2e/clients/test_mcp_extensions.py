"""Authorization extensions of the Model Context Protocol, by the SDKs' own providers: services that act for themselves
(`oauth-client-credentials`), and agents whose identity provider decides for people (`enterprise-managed-authorization`)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.e2e.clients.conftest import Register, register_at
from tests.e2e.clients.test_openid_client import run
from tests.e2e.conftest import ROOT, Example, started
from tests.waiting import PATIENCE

pytest.importorskip("mcp.client.auth")
import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.clients.mcp_agent import Kept

pytestmark = [pytest.mark.e2e, pytest.mark.spec("MCP", "mcp-authorization-extensions")]

IDENTITY_PROVIDER = "https://idp.example"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
IDP_KEY = ECKey.generate_key("P-256", {"kid": "idp-1", "use": "sig", "alg": "ES256"}, private=True)
KEY = ECKey.generate_key("P-256", {"kid": "service-1", "use": "sig", "alg": "ES256"}, private=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example, which trusts an identity provider that knows its person as `alice`."""
    keys = json.dumps({"keys": [IDP_KEY.as_dict(private=False)]})
    own = {"DJANGO_SETTINGS_MODULE": "tests.e2e.enterprise_project.settings", "PYTHONPATH": str(ROOT)}
    with started(
        tmp_path_factory.mktemp("enterprise"), flags=["--asgi"], IDENTITY_PROVIDER_KEYS=keys, **own
    ) as running:
        command = [sys.executable, str(ROOT / "example_project/manage.py"), "linkidentity", "demo", IDENTITY_PROVIDER]
        subprocess.run([*command, "alice"], env=running.environment, check=True)
        yield running


@pytest.fixture(scope="module")
def register(server: Example) -> Register:
    return register_at(server)


def service(register: Register, by: str) -> dict[str, Any]:
    """What an operator makes for a service that authenticates *by* its secret or its key."""
    more = {"jwks": {"keys": [KEY.as_dict(private=False)]}} if by == "key" else {}
    method = "private_key_jwt" if by == "key" else "client_secret_basic"
    return register(
        client_name="A service",
        grant_types=["client_credentials"],
        token_endpoint_auth_method=method,
        scope="notes:read",
        **more,
    )


@pytest.fixture(scope="module")
def agent(register: Register) -> dict[str, Any]:
    """What an operator makes for an agent that comes with the grants of an identity provider."""
    return register(client_name="An agent", grant_types=[JWT_BEARER], scope="notes:read notes:write")


def id_jag(client_id: str, audience: str, resource: str) -> str:
    """What the identity provider signs: an Identity Assertion JWT Authorization Grant."""
    now = int(time.time())
    claims = {"iss": IDENTITY_PROVIDER, "sub": "alice", "aud": audience, "client_id": client_id, "resource": resource}
    claims |= {"scope": "notes:read", "iat": now, "exp": now + 300, "jti": uuid4().hex}
    return jwt.encode({"alg": "ES256", "typ": "oauth-id-jag+jwt", "kid": "idp-1"}, claims, IDP_KEY)


def whoami(url: str, provider: httpx2.Auth) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with (
            httpx2.AsyncClient(auth=provider, timeout=PATIENCE) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            result = await client.call_tool("whoami", {})
        assert not result.is_error, result
        told = result.structured_content
        return dict(told.get("result", told))

    return asyncio.run(ask())


@pytest.mark.parametrize("by", ["secret", "key"])
def test_a_service_of_the_python_sdk(server: Example, register: Register, by: str) -> None:
    client, url, kept = service(register, by), f"{server.url}/services", Kept()
    client_id = client["client_id"]
    if by == "key":
        signs = SignedJWTParameters(
            issuer=client_id,
            subject=client_id,
            signing_key=KEY.as_pem(private=True).decode(),
            signing_algorithm="ES256",
        )
        provider = PrivateKeyJWTOAuthProvider(
            url, kept, client_id, signs.create_assertion_provider(), issuer=server.url
        )
    else:
        provider = ClientCredentialsOAuthProvider(url, kept, client_id, client["client_secret"], issuer=server.url)
    told = whoami(url, provider)
    assert (told["client_id"], told["scopes"]) == (client_id, ["notes:read"])
    assert kept.tokens.refresh_token is None


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("by", ["secret", "key"])
def test_a_service_of_the_typescript_sdk(server: Example, register: Register, by: str) -> None:
    client = service(register, by)
    environment = {"SERVER": f"{server.url}/services", "ISSUER": server.url, "BY": by, "CLIENT_ID": client["client_id"]}
    environment |= {"CLIENT_SECRET": client.get("client_secret", ""), "KEY": json.dumps(KEY.as_dict(private=True))}
    told = run("mcp_service.mjs", environment)
    assert (told["whoami"]["client_id"], told["whoami"]["scopes"]) == (client["client_id"], ["notes:read"])
    assert not told["refreshes"]


def test_a_grant_of_an_identity_provider_by_the_python_sdk(server: Example, agent: dict[str, Any]) -> None:
    url, kept, asked = f"{server.url}/mcp", Kept(), list[tuple[str, str]]()

    async def grant(audience: str, resource: str) -> str:
        asked.append((audience, resource))
        return id_jag(agent["client_id"], audience, resource)

    provider = IdentityAssertionOAuthProvider(
        url,
        kept,
        agent["client_id"],
        agent["client_secret"],
        server.url,
        grant,
        token_endpoint_auth_method="client_secret_basic",
    )
    told = whoami(url, provider)
    assert asked == [(server.url, url)]
    assert (told["client_id"], told["scopes"]) == (agent["client_id"], ["notes:read"])
    assert told["subject"], "the person who is linked"
    assert kept.tokens.refresh_token is None


@pytest.mark.usefixtures("npm")
def test_a_grant_of_an_identity_provider_by_the_typescript_sdk(server: Example, agent: dict[str, Any]) -> None:
    environment = {"SERVER": f"{server.url}/mcp", "ISSUER": server.url, "BY": "assertion"}
    environment |= {"CLIENT_ID": agent["client_id"], "CLIENT_SECRET": agent["client_secret"]}
    told = run("mcp_service.mjs", environment, lambda where: id_jag(agent["client_id"], *where.split()))
    assert (told["whoami"]["client_id"], told["whoami"]["scopes"]) == (agent["client_id"], ["notes:read"])
    assert told["whoami"]["subject"]
    assert not told["refreshes"]
