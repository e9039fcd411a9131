"""JWTs for one client to read: signed as it registered, and encrypted for its keys where it asks for that (OpenID Connect Core section 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Literal

from django.utils import timezone

from django_oauth_server.clients.keys import client_keys
from django_oauth_server.clients.secrets import clear_secrets
from django_oauth_server.component import Terms, Words
from django_oauth_server.errors import TemporarilyUnavailable, UnauthorizedClient
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.encryption import Undecipherable
from django_oauth_server.keys.signing import offered_algorithms, signing_key
from django_oauth_server.models import Client
from django_oauth_server.outbound import Unreachable
from django_oauth_server.protocol import jose

Use = Literal["id_token", "userinfo"]
"""With which the names of the client's members begin: `id_token_signed_response_alg`, for one."""

DEFAULT_ALG: Final = "RS256"
"""Of ID tokens (OpenID Connect Core section 15.1). Userinfo is not signed unless the client asks for that."""
DEFAULT_ENC: Final = "A128CBC-HS256"
"""OpenID Connect Dynamic Client Registration section 2."""
TYP: Final = "JWT"


def seal(claims: Mapping[str, object], use: Use, client: Client, issuer: Issuer) -> str:
    """The JWT that says *claims*: signed, then encrypted (section 16.14); encrypted alone where a userinfo response is not to be signed.

    Raises `TemporarilyUnavailable` where there is no key for the one or the other: nothing is ever sent in less than the client asked for.
    """
    alg = signed_response_alg(use, client, issuer)
    inner = sign_for(client, claims, alg, issuer) if alg else json.dumps(claims)
    encryption_alg = _registered(client, use, "encrypted_response_alg")
    if not encryption_alg:
        return inner
    enc = _registered(client, use, "encrypted_response_enc") or DEFAULT_ENC
    return _encrypt_for(client, inner, issuer, alg=encryption_alg, enc=enc, cty=TYP if alg else "")


def is_sealed(use: Use, client: Client, issuer: Issuer) -> bool:
    """Whether *client* is to be told in a JWT."""
    return bool(signed_response_alg(use, client, issuer) or _registered(client, use, "encrypted_response_alg"))


def signed_response_alg(use: Use, client: Client, issuer: Issuer) -> str:
    """With which it is signed; empty where it is not."""
    return _registered(client, use, "signed_response_alg") or (
        _default_alg(client, issuer) if use == "id_token" else ""
    )


def _default_alg(client: Client, issuer: Issuer) -> str:
    """Of a client that chose none; where its policy does not permit that, the first that it does."""
    policy = issuer.policy_for(client.profile)
    if policy.algorithms((DEFAULT_ALG,)):
        return DEFAULT_ALG
    return next(iter(policy.algorithms(offered_algorithms(issuer.settings))), DEFAULT_ALG)


def sign_for(client: Client, claims: Mapping[str, object], alg: str, issuer: Issuer, *, typ: str = TYP) -> str:
    """The JWT that says *claims*, under *client*'s secret where *alg* takes one (section 10.1), else under the issuer's key.

    Raises `UnauthorizedClient` where the client's policy does not permit *alg*.
    """
    if not issuer.policy_for(client.profile).algorithms((alg,)):
        raise UnauthorizedClient(
            "The client is registered for a signature algorithm that its security profile does not permit.",
            detail=f"{alg} is not permitted",
        )
    if alg not in jose.SHARED_SECRET_ALGORITHMS:
        return jose.sign(claims, signing_key(issuer, alg), typ=typ)
    try:
        secret = next(clear_secrets(client, issuer.settings, timezone.now()), "")
        return jose.sign_with_secret(claims, secret, typ=typ)
    except ValueError as exc:  # Undecipherable, or too short to be a key
        raise _unavailable(f"its secret is no key: {exc}") from exc


def verify_from(client: Client, token: str, issuer: Issuer, *, typ: str = TYP) -> dict[str, object]:
    """The claims of *token*, which was signed for *client* under its secret. Raises `InvalidJWT`."""
    with suppress(Undecipherable):
        for secret in clear_secrets(client, issuer.settings, timezone.now()):
            with suppress(jose.InvalidJWT):
                return jose.verify_with_secret(token, secret, typ=typ)
    raise jose.InvalidJWT("not signed with the client's secret")


def fetch_keys(client: Client, issuer: Issuer) -> None:
    """Have the keys at hand for which ID tokens of *client* are encrypted: they may have to be fetched, for which no transaction should wait."""
    if _registered(client, "id_token", "encrypted_response_alg"):
        with suppress(Unreachable):
            client_keys(client, issuer)


def signature_choices(terms: Terms) -> Mapping[str, Words]:
    """The algorithms that a client may choose."""
    return {alg: alg for alg in (*offered_algorithms(terms.settings), *jose.SHARED_SECRET_ALGORITHMS)}


def encryption_alg_choices(terms: Terms) -> Mapping[str, Words]:
    return {alg: alg for alg in jose.KEY_MANAGEMENT}


def encryption_enc_choices(terms: Terms) -> Mapping[str, Words]:
    return {enc: enc for enc in jose.CONTENT_ENCRYPTION}


def _encrypt_for(client: Client, inner: str, issuer: Issuer, *, alg: str, enc: str, cty: str) -> str:
    try:
        return jose.encrypt(inner, client_keys(client, issuer).encryption, alg=alg, enc=enc, cty=cty)
    except (Unreachable, LookupError) as exc:
        raise _unavailable(f"it cannot be encrypted for: {exc}") from exc


def _unavailable(reason: str) -> TemporarilyUnavailable:
    return TemporarilyUnavailable(
        "The response must be signed or encrypted with the client's keys, which cannot be used right now.",
        detail=reason,
    )


def _registered(client: Client, use: Use, member: str) -> str:
    return str(client.metadata.get(f"{use}_{member}") or "")
