"""Signed JWTs and the keys for them (RFC 7515, 7517, 7518, 7519), under the rules of RFC 8725. The only file that speaks to joserfc."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Self, TypeAlias

from cachetools import LRUCache
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwt
from joserfc.errors import InvalidKeyTypeError, JoseError
from joserfc.jwk import ECKey, GuestProtocol, RSAKey
from joserfc.jws import JWSRegistry

Key: TypeAlias = ECKey | RSAKey

_MINIMUM_RSA_BITS = 2048  # RFC 7518 section 3.3
_MOST_VERIFIED: Final = 1024  # some megabytes

_FITS: Final[Mapping[str, Callable[[Key], bool]]] = {
    "ES256": lambda key: isinstance(key, ECKey) and key.curve_name == "P-256",
    "RS256": lambda key: isinstance(key, RSAKey) and key.raw_value.key_size >= _MINIMUM_RSA_BITS,
}
_GENERATE: Final[Mapping[str, Callable[[], Key]]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "RS256": lambda: RSAKey.generate_key(_MINIMUM_RSA_BITS),
}
ALGORITHMS: Final = tuple(_FITS)
"""What is signed and verified with. All are asymmetric: a public key can never be taken for a shared secret (RFC 8725 section 2.1)."""

_REGISTRY: Final = JWSRegistry(
    algorithms=ALGORITHMS, strict_check_header=False
)  # unknown header members are ignored (RFC 7515 section 4)

_JUNK: Final = (
    JoseError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    UnsupportedAlgorithm,
)
"""What the libraries raise on input that somebody made up."""


class InvalidJWT(ValueError):
    """The token is not what was asked for. The words are for the log, and never hold the token."""


class UnknownKey(InvalidJWT):
    """It names a key that is not in the set: a newer set may have it."""


@dataclass(frozen=True, slots=True)
class SigningKeyPair:
    """A private key, prepared once, with the two header members that go with it."""

    key: Key = field(repr=False)
    alg: str
    kid: str
    """The thumbprint of the public key (RFC 7638)."""

    @classmethod
    def generate(cls, alg: str) -> Self:
        return cls._of(_GENERATE[alg](), alg)

    @classmethod
    def load(cls, data: bytes) -> Self:
        """From a PEM or JWK file's content. Raises ValueError, with what to mend."""
        try:
            jwk = json.loads(data) if data.lstrip().startswith(b"{") else {}
            key = _from_jwk(jwk) if jwk else _from_pem(data)
        except _JUNK as exc:
            raise ValueError("it is neither a PEM (without a passphrase) nor a JWK of an EC or RSA key") from exc
        if not key.is_private:
            raise ValueError("it holds a public key; a private key signs")
        for alg in _algorithms(key, jwk):
            return cls._of(key, alg)
        raise ValueError(
            "it fits no algorithm: an EC key on P-256 (ES256) or an RSA key of at least 2048 bits (RS256) does"
        )

    @classmethod
    def _of(cls, key: Key, alg: str) -> Self:
        return cls(key, alg, key.thumbprint())

    def dump(self) -> bytes:
        """The private JWK, for `load`. To be encrypted before it goes anywhere."""
        return json.dumps(self.key.as_dict(private=True)).encode()

    def public_jwk(self) -> dict[str, object]:
        """What is published (RFC 7517 section 4)."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.alg, "use": "sig"}


class Verified:
    """The claims of JWTs whose signature was good, by digest: a client presents one token many times, and a signature does not change.

    Nothing that was refused is kept, and no token. Whether a token has expired or was revoked is not said.
    """

    def __init__(self) -> None:
        self._claims: LRUCache[bytes, str] = LRUCache(_MOST_VERIFIED)
        self._lock = Lock()

    def get(self, digest: bytes) -> dict[str, object] | None:
        """Read anew each time, so that no caller can change what another one sees."""
        with self._lock:
            claims = self._claims.get(digest)
        return json.loads(claims) if claims else None

    def put(self, digest: bytes, claims: Mapping[str, object]) -> None:
        with self._lock:
            self._claims[digest] = json.dumps(claims)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The public keys of an issuer, parsed once."""

    keys: Mapping[tuple[str, str], Key] = field(repr=False)
    """By `kid` and algorithm: a key verifies nothing but what it was published for (RFC 8725 section 3.1)."""
    verified: Verified = field(default_factory=lambda: Verified(), repr=False, compare=False)
    """What these keys were found to have signed; another set begins anew."""

    @classmethod
    def parse(cls, document: object) -> Self:
        """From a JWK Set. Keys that cannot be used are passed over (RFC 7517 section 5). Raises ValueError where it is no JWK Set."""
        jwks = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(jwks, list):
            raise ValueError('a JWK Set is an object with a list of "keys" (RFC 7517 section 5)')
        return cls(dict(entry for jwk in reversed(jwks) for entry in _entries(jwk)))


def sign(claims: Mapping[str, object], pair: SigningKeyPair, *, typ: str) -> str:
    """The JWT that says *claims*, of the explicit type *typ* (RFC 8725 section 3.11)."""
    return jwt.encode({"alg": pair.alg, "typ": typ, "kid": pair.kid}, dict(claims), pair.key, registry=_REGISTRY)


def verify(token: str, keys: KeySet, *, algs: Collection[str] = ALGORITHMS, typ: str) -> dict[str, object]:
    """The claims of *token*, signed by one of *keys* with one of *algs*. Raises `InvalidJWT`, whatever *token* is.

    What the claims say (issuer, audience, expiry) is left to the caller.
    """

    digest = hashlib.sha256(repr((token, typ, *algs)).encode()).digest()
    if claims := keys.verified.get(digest):
        return claims
    claims = _verify(token, lambda jws: _select(jws.headers(), keys, algs, typ))
    keys.verified.put(digest, claims)
    return claims


def _verify(token: str, key_for: Callable[[GuestProtocol], Key]) -> dict[str, object]:
    try:
        return jwt.decode(token, key_for, registry=_REGISTRY).claims
    except InvalidJWT:
        raise
    except _JUNK as exc:
        raise InvalidJWT(f"not a JWT that can be verified ({type(exc).__name__})") from exc


def _select(header: Mapping[str, object], keys: KeySet, algs: Collection[str], typ: str) -> Key:
    """The key that *header* names, once all else in it is as it should be."""
    kid, alg = header.get("kid"), header["alg"]
    if "crit" in header:
        raise InvalidJWT("it has critical header members, and none is understood (RFC 7515 section 4.1.11)")
    if alg not in algs:
        raise InvalidJWT("its algorithm is not allowed here")
    if _media_type(header.get("typ", "")) != _media_type(typ):
        raise InvalidJWT(f"its type is not {typ}")
    if not kid:
        raise InvalidJWT("it names no key")
    try:
        return keys.keys[str(kid), str(alg)]
    except KeyError as exc:
        raise UnknownKey("it names a key that is not published, or not for its algorithm") from exc


def _media_type(typ: object) -> str:
    """RFC 7515 section 4.1.9: `application/` may be left out; media types are compared without case."""
    return str(typ).lower().removeprefix("application/")


def _entries(jwk: object) -> Iterator[tuple[tuple[str, str], Key]]:
    """Under which names *jwk* verifies; none where it is not for signatures, or not understood."""
    try:
        if not (isinstance(jwk, dict) and isinstance(jwk["kid"], str) and _verifies(jwk)):
            return
        key = _public(_from_jwk(jwk))
        yield from [((jwk["kid"], alg), key) for alg in _algorithms(key, jwk)]
    except _JUNK:
        return


def _verifies(jwk: Mapping[str, object]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _algorithms(key: Key, jwk: Mapping[str, object]) -> list[str]:
    """Those that *key* fits, or the one that its JWK limits it to."""
    return [alg for alg, fits in _FITS.items() if jwk.get("alg", alg) == alg and fits(key)]


def _from_jwk(jwk: dict[str, str | list[str]]) -> Key:
    """Without the members that are not the key itself, so that the thumbprint is that of the canonical form."""
    if jwk["kty"] == "EC":
        return ECKey.import_key(ECKey.import_key(jwk).raw_value)
    if jwk["kty"] == "RSA":
        return RSAKey.import_key(RSAKey.import_key(jwk).raw_value)
    raise InvalidKeyTypeError("neither EC nor RSA")


def _from_pem(pem: bytes) -> Key:
    try:
        return ECKey.import_key(pem)
    except InvalidKeyTypeError:
        return RSAKey.import_key(pem)


def _public(key: Key) -> Key:
    return ECKey.import_key(key.public_key) if isinstance(key, ECKey) else RSAKey.import_key(key.public_key)
