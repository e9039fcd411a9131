"""Bound tokens of another project's issuer (RFC 9449 sections 6.1 and 6.2): verified by its keys, by introspection, and by a chain of both."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from django_oauth_server.resource.verifiers.chain import ChainVerifier
from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.testing.proofs import DPoPKey
from tests.resource.verifiers import NOTES

pytestmark = pytest.mark.urls("tests.resource.bindings.seal")


@pytest.fixture(autouse=True)
def _trusting(settings: Any, jwks: JWKSVerifier, introspection: IntrospectionVerifier) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "bound"}}
    settings.OAUTH_RESOURCE_SERVER = {
        "verifier": ChainVerifier(jwks, opaque=introspection),
        "resource": NOTES,
        "dpop": {"cache": "default"},
    }


@pytest.fixture(params=["jwt", "opaque"])
def bound(request: pytest.FixtureRequest, server: Any) -> tuple[str, DPoPKey]:
    key = DPoPKey()
    if request.param == "jwt":
        return server.issuer.token("notes:read", sub="alice", audience=NOTES, key=key), key
    server.allow("opaque", aud=NOTES, token_type="DPoP", cnf=dict(key.confirmation))
    return "opaque", key


def ask(path: str, token: str, proof: str, scheme: str = "DPoP") -> int:
    headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
    if path.startswith("/async"):
        return int(async_to_sync(AsyncClient().get)(path, headers=headers).status_code)
    return Client().get(path, headers=headers).status_code


@pytest.mark.spec("RFC 9449", "6.2")
@pytest.mark.parametrize("path", ["/function", "/async-function", "/rest"])
def test_the_key_is_the_one_that_the_issuer_names(bound: tuple[str, DPoPKey], path: str) -> None:
    token, key = bound
    url = f"https://api.example{path}"
    proof = key.proof("GET", url, token)
    assert ask(path, token, proof, "Bearer") == 401
    assert ask(path, token, DPoPKey().proof("GET", url, token)) == 401
    assert [ask(path, token, proof) for _ in range(2)] == [200, 401]
