"""Encrypted JWTs (RFC 7516, RFC 7518 sections 4 and 5): ID tokens and claims for a client, request objects from one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from joserfc import jwe
from joserfc.jwk import ECKey, GuestProtocol, RSAKey

from django_oauth_server.protocol.jose.keys import (
    JUNK,
    MINIMUM_RSA_BITS,
    Fits,
    InvalidJWT,
    Key,
    KeyPair,
    UnknownKey,
    algorithms,
    is_for,
    is_on,
    is_rsa,
    public_from_jwk,
)
from django_oauth_server.protocol.jose.signatures import jwks_of

_is_ecdh = is_on("P-256", "P-384", "P-521", "X25519")
_FITS: Final[Fits] = {
    "RSA-OAEP": is_rsa,
    "RSA-OAEP-256": is_rsa,
    "ECDH-ES": _is_ecdh,
    "ECDH-ES+A128KW": _is_ecdh,
    "ECDH-ES+A256KW": _is_ecdh,
}
KEY_MANAGEMENT: Final = tuple(_FITS)
"""The values of `alg`. RSA1_5 is not among them: its padding tells who asks often enough (RFC 8725 section 3.2)."""
CONTENT_ENCRYPTION: Final = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
"""The values of `enc`. All authenticate."""

_REGISTRY: Final = jwe.JWERegistry(algorithms=(*KEY_MANAGEMENT, *CONTENT_ENCRYPTION), strict_check_header=False)
"""What is decrypted has at most 64 KiB, as the library has it."""


@dataclass(frozen=True, slots=True)
class DecryptionKeyPair(KeyPair):
    """A private key that decrypts."""

    FITS = _FITS
    GENERATE = {
        **dict.fromkeys(("RSA-OAEP", "RSA-OAEP-256"), lambda: RSAKey.generate_key(MINIMUM_RSA_BITS)),
        **dict.fromkeys(("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"), lambda: ECKey.generate_key("P-256")),
    }
    USE = "enc"
    NEEDED = "an RSA key of at least 2048 bits or an EC key"


@dataclass(frozen=True, slots=True)
class EncryptionKeySet:
    """The public keys for which a client has what is meant for it encrypted."""

    keys: tuple[tuple[str, str, Key], ...] = field(repr=False)
    """`kid`, which may be empty, algorithm and key, in the client's order."""

    @classmethod
    def parse(cls, document: object) -> Self:
        """From a JWK Set. Keys that cannot be used are passed over. Raises ValueError where it is no JWK Set."""
        return cls(tuple(entry for jwk in jwks_of(document) for entry in _uses(jwk)))

    def first(self, alg: str) -> tuple[str, Key]:
        """The first that fits. Raises LookupError."""
        for kid, fitting, key in self.keys:
            if fitting == alg:
                return kid, key
        raise LookupError(f"no key is for encryption with {alg}")


def encrypt(payload: str | bytes, keys: EncryptionKeySet, *, alg: str, enc: str, cty: str = "JWT") -> str:
    """*payload* for the holder of *keys*; *cty* says what it is (RFC 7519 section 5.2). Raises LookupError where no key fits,
    or the one that does is none that anything can be encrypted for."""
    kid, key = keys.first(alg)
    header = {"alg": alg, "enc": enc, "kid": kid, "cty": cty}
    try:
        return jwe.encrypt_compact(
            {name: value for name, value in header.items() if value}, payload, key, registry=_REGISTRY
        )
    except JUNK as exc:
        raise LookupError(f"the key for {alg} cannot be used ({type(exc).__name__})") from exc


def decrypt(
    token: str,
    pairs: Iterable[DecryptionKeyPair],
    *,
    algs: Collection[str] = KEY_MANAGEMENT,
    encs: Collection[str] = CONTENT_ENCRYPTION,
) -> str:
    """What was encrypted for one of *pairs*. Who encrypted it is not said: anybody can. Raises `InvalidJWT`, whatever *token* is."""
    by_name = {(pair.kid, pair.alg): pair.key for pair in pairs}
    try:
        plain = jwe.decrypt_compact(token, lambda one: _select(one, by_name, algs, encs), registry=_REGISTRY).plaintext
        return (plain or b"").decode()
    except InvalidJWT:
        raise
    except JUNK as exc:
        raise InvalidJWT(f"not a JWT that can be decrypted ({type(exc).__name__})") from exc


def _select(
    token: GuestProtocol, keys: Mapping[tuple[str, str], Key], algs: Collection[str], encs: Collection[str]
) -> Key:
    """The key that the header names, once all else in it is as it should be."""
    header = token.headers()
    if "crit" in header:
        raise InvalidJWT("it has critical header members, which are not supported (RFC 7516 section 4.1.13)")
    if "zip" in header:  # a small one may be of any size inside (RFC 8725 section 3.6)
        raise InvalidJWT("it is compressed")
    if header["alg"] not in algs or header["enc"] not in encs:
        raise InvalidJWT("its algorithms are not allowed here")
    fitting = [key for (kid, alg), key in keys.items() if alg == header["alg"] and header.get("kid", kid) == kid]
    if len(fitting) != 1:
        raise UnknownKey("it names no key that is published for its algorithm")
    return fitting[0]


def _uses(jwk: object) -> Iterator[tuple[str, str, Key]]:
    """Under which name *jwk* encrypts with what; nothing where it is not for that, or not understood."""
    try:
        if isinstance(jwk, dict) and isinstance(kid := jwk.get("kid", ""), str) and is_for(jwk, "enc", *_OPERATIONS):
            key = public_from_jwk(jwk)
            yield from [(kid, alg, key) for alg in algorithms(key, jwk, _FITS)]
    except JUNK:
        return


_OPERATIONS: Final = ("encrypt", "wrapKey", "deriveKey", "deriveBits")
