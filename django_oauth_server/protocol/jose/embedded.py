"""Signed JWTs that bring their own public key along (the header `jwk`, RFC 7515 section 4.1.3).

Such a signature says that one key signed this, and not whose key it is.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from cachetools import LRUCache
from joserfc import jwt

from django_oauth_server.protocol.jose.keys import JUNK, InvalidJWT, Key, algorithms, public_from_jwk
from django_oauth_server.protocol.jose.signatures import FITS, REGISTRY, SigningKeyPair, check_header

_MOST_HEADERS: Final = 1024
_LONGEST_HEADER: Final = 4096
"""Characters. The key of RSA with 8192 bits takes some 1,900."""
_COMPACT: Final = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of private and of shared keys (RFC 7518 section 6)."""


@dataclass(frozen=True, slots=True)
class _Header:
    said: Mapping[str, object]
    alg: str
    key: Key = field(repr=False)
    thumbprint: str


class _Seen:
    """Headers with which a good signature came: a client says the same one each time, and to read a key costs more than to verify."""

    def __init__(self, most: int) -> None:
        self._headers: LRUCache[str, _Header] = LRUCache(most)
        self._lock = Lock()

    def get(self, segment: str) -> _Header | None:
        with self._lock:
            return self._headers.get(segment)

    def put(self, segment: str, header: _Header) -> None:
        with self._lock:
            self._headers[segment] = header


_seen: Final = _Seen(_MOST_HEADERS)


def sign_embedded(claims: Mapping[str, object], pair: SigningKeyPair, *, typ: str) -> str:
    """The JWT that says *claims*, with the public key that verifies it."""
    header = {"alg": pair.alg, "typ": typ, "jwk": pair.key.as_dict(private=False)}
    return jwt.encode(header, dict(claims), pair.key, registry=REGISTRY)


def verify_embedded(token: str, *, algs: Collection[str], typ: str) -> tuple[dict[str, object], str]:
    """The claims of *token*, and the thumbprint (RFC 7638) of the key that it brings, which signed it with one of *algs*.

    Raises `InvalidJWT`, whatever *token* is.
    """
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise InvalidJWT("it is not a signed JWT")
    try:
        return _verified(parts[1], parts[2], parts[3], algs, typ)
    except InvalidJWT:
        raise
    except JUNK as exc:
        raise InvalidJWT(f"it cannot be verified ({type(exc).__name__})") from exc


def _verified(
    segment: str, payload: str, signature: str, algs: Collection[str], typ: str
) -> tuple[dict[str, object], str]:
    known = _seen.get(segment)
    header = known or _header(segment)
    check_header(header.said, algs, typ)
    signed = f"{segment}.{payload}".encode()
    if not REGISTRY.get_alg(header.alg).verify(signed, _decoded(signature), header.key):
        raise InvalidJWT("its signature does not match its jwk")
    claims = json.loads(_decoded(payload).decode())
    if not isinstance(claims, dict):
        raise InvalidJWT("its claims are not a JSON object")
    if known is None:
        _seen.put(segment, header)
    return claims, header.thumbprint


def _header(segment: str) -> _Header:
    if len(segment) > _LONGEST_HEADER:
        raise InvalidJWT("its header is too long")
    said = json.loads(_decoded(segment).decode())
    jwk = said.get("jwk") if isinstance(said, dict) else None
    if not isinstance(jwk, dict):
        raise InvalidJWT("its header has no jwk, the key that signed it")
    if not _PRIVATE.isdisjoint(jwk):
        raise InvalidJWT("its jwk is a private or symmetric key")
    key = public_from_jwk(jwk)
    alg = said.get("alg")
    if alg not in algorithms(key, {}, FITS) or _older(jwk.get("alg", alg)) != _older(alg):
        raise InvalidJWT("its key does not match its algorithm")
    return _Header(said, alg, key, key.thumbprint())


def _older(alg: object) -> object:
    """Browsers export keys on the curve by its newer name (RFC 9864), whatever the library that signs calls it."""
    return "EdDSA" if alg == "Ed25519" else alg


def _decoded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
