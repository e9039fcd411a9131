"""Assertions of clients (RFC 7523), which can be told to get anything wrong."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import OctKey

from django_oauth_server.clients.methods.assertion import ASSERTION_TYPE
from django_oauth_server.protocol.jose import SigningKeyPair
from tests.factories import ClientFactory

ISSUER = "https://as.example"
KEY = SigningKeyPair.generate("ES256")


def jwks(*pairs: SigningKeyPair) -> dict[str, Any]:
    return {"keys": [pair.public_jwk() for pair in pairs]}


def key_client(*pairs: SigningKeyPair, **more: Any) -> Any:
    """One that authenticates with its private key, and acts for itself."""
    metadata = {
        "metadata__token_endpoint_auth_method": "private_key_jwt",
        "metadata__grant_types": ["client_credentials"],
        "metadata__jwks": jwks(*(pairs or (KEY,))),
    }
    return ClientFactory(**{name: value for name, value in (metadata | more).items() if value is not None})


def secret_client(**more: Any) -> Any:
    """One that authenticates with assertions under its secret."""
    metadata = {
        "metadata__token_endpoint_auth_method": "client_secret_jwt",
        "metadata__grant_types": ["client_credentials"],
    }
    return ClientFactory(**(metadata | more))


def claims_for(client: Any, **said: Any) -> dict[str, Any]:
    """What an assertion of *client* says. A claim set to None is left out, and a span is from now."""
    now = time.time()
    usual = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": ISSUER,
        "jti": uuid4().hex,
        "iat": int(now),
        "exp": int(now) + 60,
    }
    return {name: _moment(value, now) for name, value in (usual | said).items() if value is not None}


def _moment(value: Any, now: float) -> Any:
    return now + value.total_seconds() if isinstance(value, timedelta) else value


def signed(claims: dict[str, Any], pair: SigningKeyPair = KEY, **header: Any) -> str:
    """*claims*, signed with *pair*. A header member set to None is left out."""
    named = {"alg": pair.alg, "kid": pair.kid, "typ": "JWT"} | header
    said = {name: value for name, value in named.items() if value is not None}
    return jws.serialize_compact(said, json.dumps(claims), pair.key, algorithms=[pair.alg])


def under_secret(claims: dict[str, Any], secret: str | bytes, **header: Any) -> str:
    said = {"alg": "HS256"} | header
    return jws.serialize_compact(said, json.dumps(claims), OctKey.import_key(secret), algorithms=["HS256"])


def assertion(client: Any, pair: SigningKeyPair = KEY, **said: Any) -> str:
    """One that is right, but for what is *said*."""
    claims = claims_for(client, **said)
    if client.token_endpoint_auth_method == "client_secret_jwt":
        return under_secret(claims, client.secret)
    return signed(claims, pair)


def proof(jwt: str, **more: Any) -> dict[str, Any]:
    """The parameters of a request that presents *jwt*."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt} | more
