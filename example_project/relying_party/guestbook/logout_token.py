"""What a logout token must be, before anything ends (OpenID Connect Back-Channel Logout 1.0 section 2.6)."""

from __future__ import annotations

from typing import Any

from authlib.integrations.django_client import DjangoOAuth2App
from django.core.cache import cache
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_ALGORITHMS = ["RS256"]
"""What this client registered for its ID tokens: the default."""
_PAUSE = 30
"""Seconds between two fetches of new keys: anybody can send tokens that name unknown ones."""


class InvalidLogoutToken(Exception):
    """Says why, for the log."""


def read(token: str, provider: DjangoOAuth2App) -> dict[str, Any]:
    """The claims. Raises `InvalidLogoutToken`."""
    metadata = provider.load_server_metadata()
    registry = jwt.JWTClaimsRegistry(
        leeway=10,
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": provider.client_id},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
    )
    try:
        claims = _verified(token, provider)
        registry.validate(claims)
    except (JoseError, ValueError) as exc:
        raise InvalidLogoutToken(str(exc)) from exc
    if "nonce" in claims:
        raise InvalidLogoutToken("It is an ID token.")
    events = claims.get("events")
    if not (isinstance(events, dict) and isinstance(events.get(_EVENT), dict)):
        raise InvalidLogoutToken("It tells of no logout.")
    if not (claims.get("sub") or claims.get("sid")):
        raise InvalidLogoutToken("It says neither who nor which session.")
    return claims


def _verified(token: str, provider: DjangoOAuth2App) -> dict[str, Any]:
    """By the provider's keys, which are fetched again, once in a while, where it names an unknown one."""
    try:
        return _read_with(provider.fetch_jwk_set(), token)
    except InvalidKeyIdError:
        if not cache.add("guestbook-new-keys", True, timeout=_PAUSE):
            raise
        return _read_with(provider.fetch_jwk_set(force=True), token)


def _read_with(keys: dict[str, Any], token: str) -> dict[str, Any]:
    return jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS).claims
