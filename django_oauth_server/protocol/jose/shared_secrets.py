"""JWTs under a secret that both sides hold (HS256, RFC 7518 section 3.2).

Apart from what public keys verify, and nothing here takes one: a public key must never be taken for a secret (RFC 8725 section 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from joserfc import jwt
from joserfc.jwk import GuestProtocol, OctKey

from django_oauth_server.protocol.jose.signatures import Registry, check_header, claims_of

SHARED_SECRET_ALGORITHMS: Final = ("HS256",)
_MINIMUM_OCTETS: Final = 32
_REGISTRY: Final = Registry(SHARED_SECRET_ALGORITHMS)


def sign_with_secret(claims: Mapping[str, object], secret: str, *, typ: str) -> str:
    """The JWT that says *claims*. Raises ValueError where *secret* is too short."""
    return jwt.encode({"alg": "HS256", "typ": typ}, dict(claims), _key(secret), registry=_REGISTRY)


def verify_with_secret(token: str, secret: str, *, typ: str | tuple[str, ...]) -> dict[str, object]:
    """The claims of *token*, as `verify`. Raises `InvalidJWT`; ValueError where *secret* is too short."""
    key = _key(secret)

    def key_for(jws: GuestProtocol) -> OctKey:
        check_header(jws.headers(), SHARED_SECRET_ALGORITHMS, typ)
        return key

    return claims_of(token, key_for, _REGISTRY)


def _key(secret: str) -> OctKey:
    """The octets of a client secret's UTF-8 form (OpenID Connect Core section 10.1). The library refuses what is a public key."""
    octets = secret.encode()
    if len(octets) < _MINIMUM_OCTETS:
        raise ValueError("a secret for HS256 has at least 32 octets (RFC 7518 section 3.2)")
    return OctKey.import_key(octets)
