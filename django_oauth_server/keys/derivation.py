"""Keys that are derived from the deployment's secret, each for one purpose (HKDF, RFC 5869)."""

from __future__ import annotations

from functools import cache, lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.signals import setting_changed

from django_oauth_server.conf.loader import SETTING
from django_oauth_server.conf.secrets import key_material
from django_oauth_server.issuer import Issuer

SETTINGS = frozenset({SETTING, "SECRET_KEY", "SECRET_KEY_FALLBACKS"})
"""The Django settings that keys follow from."""


@cache
def derivation_keys(issuer: Issuer) -> tuple[bytes, ...]:
    """The keys that tokens are derived with from those that they follow: the current one, then those of former secrets."""
    return tuple(derive_key(secret, b"refresh tokens") for secret in key_material(issuer.settings))


def sealing_key(key: bytes) -> bytes:
    """Of one of these, the key under which a refresh token says from which grant it comes."""
    return derive_key(key, b"origins of refresh tokens")


@lru_cache(maxsize=64)
def derive_key(secret: bytes, purpose: bytes) -> bytes:
    """256 bits that tell nothing of *secret*, nor of the key for another purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"django-oauth-server: " + purpose).derive(secret)


def _forget(*, setting: str, **_: object) -> None:
    if setting in SETTINGS:
        derivation_keys.cache_clear()


setting_changed.connect(_forget)
