"""Who signs, and who can verify it: the keys of an issuer, from files or from the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeVar

from django.core.signals import setting_changed

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.database import DatabaseKeys, offered
from django_oauth_server.keys.derivation import SETTINGS
from django_oauth_server.keys.files import FileKeys, read_files
from django_oauth_server.keys.ring import KeyRing
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import KeySet, SigningKeyPair

__all__ = [
    "KeySet",
    "SigningKeyPair",
    "forget",
    "jwks",
    "offered_algorithms",
    "published_keys",
    "read_signed",
    "remembered_jwks",
    "signing_key",
    "verify",
]

T = TypeVar("T")


class _Keys(Protocol):
    """Where keys are kept."""

    def ring(self) -> KeyRing: ...

    def sought(self) -> KeyRing: ...

    def remembered(self) -> KeyRing | None: ...

    def complete(self, *, anew: bool = False) -> KeyRing: ...

    def signer(self, alg: str | None = None) -> SigningKeyPair: ...


def signing_key(issuer: Issuer, alg: str | None = None) -> SigningKeyPair:
    """The key that signs now; made on first use. *alg* of None: the issuer's choice.

    Raises `TemporarilyUnavailable` where the issuer's first key for *alg* came after others and is not published for long enough, and
    ImproperlyConfigured where *alg* is not offered.
    """
    return _keys(issuer).signer(alg)


def offered_algorithms(settings: IssuerSettings) -> tuple[str, ...]:
    """The algorithms that clients may choose among: those of the settings, or of the files."""
    if not settings.signing_key_files:
        return offered(settings)
    return tuple(dict.fromkeys(pair.alg for pair in read_files(settings.signing_key_files)))


def published_keys(issuer: Issuer) -> KeySet:
    """The keys that tokens of *issuer* may be signed with."""
    return _keys(issuer).ring().published


def jwks(issuer: Issuer) -> dict[str, list[dict[str, object]]]:
    """The JWK Set that is published (RFC 7517 section 5), as it is now: others keep it, and whatever has begun to sign must be found here."""
    return _keys(issuer).complete(anew=True).jwks


def remembered_jwks(issuer: Issuer) -> dict[str, list[dict[str, object]]] | None:
    """The JWK Set as this process read it last, however long ago; None where it never did."""
    ring = _keys(issuer).remembered()
    return ring.jwks if ring else None


def verify(issuer: Issuer, token: str, *, typ: str) -> dict[str, object]:
    """The claims of *token*, of the type *typ*, that *issuer* signed. Raises `InvalidJWT`."""
    return read_signed(issuer, lambda keys: jose.verify(token, keys, typ=typ))


def read_signed(issuer: Issuer, read: Callable[[KeySet], T]) -> T:
    """What *read* makes of a token with the keys of *issuer*. Raises `InvalidJWT` as it does.

    Where the token names an unknown key, another process may have made one: the keys are read again, at most once in a few seconds.
    """
    try:
        return read(published_keys(issuer))
    except jose.UnknownKey:
        return read(_keys(issuer).sought().published)


def forget() -> None:
    """Let go of all that this process knows of keys."""
    _keys.cache_clear()
    read_files.cache_clear()


@cache
def _keys(issuer: Issuer) -> _Keys:
    return FileKeys(issuer.settings) if issuer.settings.signing_key_files else DatabaseKeys(issuer.settings)


def _forget(*, setting: str, **_: object) -> None:
    if setting in SETTINGS:
        forget()


setting_changed.connect(_forget)
