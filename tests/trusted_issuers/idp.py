"""An issuer elsewhere, which can be told to get anything wrong."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from django_oauth_server.conf import People, TrustedIssuer
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.storage.linked_identities import link
from tests.assertions import jwks, signed
from tests.factories import ClientFactory

IDP, OTHER = "https://idp.example", "https://other.example"
ISSUER = "https://as.example"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ID_JAG = "oauth-id-jag+jwt"
GRANT = "authorization-grant+jwt"
NOTES, MAIL = "https://api.example/notes", "https://api.example/mail"
KEY = SigningKeyPair.generate("ES256")
OTHER_KEY = SigningKeyPair.generate("ES256")
PEOPLE = People(scopes=("notes:read", "notes:write"))


def trusted(issuer: str = IDP, **said: Any) -> TrustedIssuer:
    """*issuer*, trusted with people, and known by its key."""
    key = OTHER_KEY if issuer == OTHER else KEY
    return TrustedIssuer(issuer, **({"keys": jwks(key), "people": PEOPLE} | said))


def trusting(*issuers: TrustedIssuer) -> dict[str, Any]:
    """The setting that trusts *issuers*."""
    return {"trusted_issuers": {"issuers": issuers or (trusted(),)}}


def agent(**more: Any) -> Any:
    """A confidential client that may present assertions."""
    return ClientFactory(
        **({"metadata__grant_types": [JWT_BEARER], "metadata__scope": "notes:read notes:write"} | more)
    )


def linked(user: Any, sub: str = "alice", issuer: str = IDP, tenant: str = "") -> Any:
    """*user*, whom *issuer* knows as *sub*."""
    link(user, issuer, tenant, sub, timezone.now())
    return user


def assertion(pair: SigningKeyPair = KEY, *, header: dict[str, Any] | None = None, **said: Any) -> str:
    """One that is right, but for what is *said*. A claim set to None is left out, and a span is from now."""
    now = int(time.time())
    usual = {"iss": IDP, "sub": "alice", "aud": ISSUER, "jti": uuid4().hex, "iat": now, "exp": now + 300}
    claims = {
        name: now + value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in (usual | said).items()
        if value is not None
    }
    return signed(claims, pair, **({"typ": GRANT} | (header or {})))


def id_jag(client: Any, pair: SigningKeyPair = KEY, *, header: dict[str, Any] | None = None, **said: Any) -> str:
    """An Identity Assertion JWT Authorization Grant for *client*."""
    said = {"client_id": client.client_id, "scope": "notes:read", "resource": NOTES} | said
    return assertion(pair, header={"typ": ID_JAG} | (header or {}), **said)
