"""Keys: read from JWKs and PEMs (RFC 7517, RFC 7518 section 6, RFC 8037), and what they are good for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import InvalidKeyTypeError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

Key: TypeAlias = ECKey | RSAKey | OKPKey
Fits: TypeAlias = Mapping[str, Callable[[Key], bool]]
"""Which keys an algorithm may be used with, by its name."""

MINIMUM_RSA_BITS: Final = 2048
"""RFC 7518 sections 3.3, 3.5, 4.2 and 4.3."""
_MOST_RSA_BITS: Final = 8192
_MOST_EXPONENT_BITS: Final = 32
"""Verifying takes as many multiplications as the exponent has bits. Everybody has 65537."""

JUNK: Final = (
    JoseError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    UnsupportedAlgorithm,
)
"""What the libraries raise on input that somebody made up."""

_TYPES: Final[Mapping[object, type[Key]]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
_PUBLIC: Final[Mapping[object, tuple[str, ...]]] = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
"""The members that are the public key (RFC 7518 section 6, RFC 8037 section 2)."""


class InvalidJWT(ValueError):
    """The token is not what was asked for. The words are for the log, and never hold the token."""


class UnknownKey(InvalidJWT):
    """It names a key that is not in the set: a newer set may have it."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key, prepared once, with the algorithm that it is for and its name."""

    FITS: ClassVar[Fits]
    GENERATE: ClassVar[Mapping[str, Callable[[], Key]]]
    USE: ClassVar[str]
    NEEDED: ClassVar[str]
    """What a file should hold, for people."""

    key: Key = field(repr=False)
    alg: str
    kid: str
    """The thumbprint of the public key (RFC 7638)."""

    @classmethod
    def generate(cls, alg: str) -> Self:
        return cls._of(cls.GENERATE[alg](), alg)

    @classmethod
    def load(cls, data: bytes) -> Self:
        """From a PEM or JWK file's content: for the `alg` that it says, or the first that it fits. Raises ValueError, with what to mend."""
        try:
            jwk = json.loads(data) if data.lstrip().startswith(b"{") else {}
            key = from_jwk(jwk) if jwk else _from_pem(data)
        except JUNK as exc:
            raise ValueError("it is neither a PEM (without a passphrase) nor a JWK of an EC, RSA or OKP key") from exc
        if not key.is_private:
            raise ValueError("it holds a public key; a private key is needed")
        for alg in algorithms(key, jwk, cls.FITS):
            return cls._of(key, alg)
        raise ValueError(f"it fits no algorithm: {cls.NEEDED} does")

    @classmethod
    def _of(cls, key: Key, alg: str) -> Self:
        return cls(key, alg, key.thumbprint())

    def dump(self) -> bytes:
        """The private JWK, for `load`. To be encrypted before it goes anywhere."""
        return json.dumps(self.key.as_dict(private=True, alg=self.alg)).encode()

    def public_jwk(self) -> dict[str, object]:
        """What is published (RFC 7517 section 4)."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.alg, "use": self.USE}


def from_jwk(jwk: Mapping[str, object]) -> Key:
    """Without the members that are not the key itself, so that the thumbprint is that of the canonical form."""
    kind = _TYPES.get(jwk["kty"])
    if kind is None:
        raise InvalidKeyTypeError("neither EC, RSA nor OKP")
    return kind.import_key(kind.import_key(dict(jwk)).raw_value)  # type: ignore[arg-type]


def _from_pem(pem: bytes) -> Key:
    for kind in _TYPES.values():
        try:
            return kind.import_key(pem)
        except InvalidKeyTypeError:
            continue
    raise InvalidKeyTypeError("neither EC, RSA nor OKP")


def public_from_jwk(jwk: Mapping[str, object]) -> Key:
    """Its public half. Nothing of the private half is looked at, where there is one: to find out whether it is sound takes minutes, if whoever
    published it made it so."""
    members = ("kty", *_PUBLIC.get(jwk["kty"], ()))
    return from_jwk({name: jwk[name] for name in members if name in jwk})


def algorithms(key: Key, jwk: Mapping[str, object], fits: Fits) -> list[str]:
    """Those that *key* fits, or the one that its JWK limits it to."""
    return [alg for alg, is_fit in fits.items() if jwk.get("alg", alg) == alg and is_fit(key)]


def is_for(jwk: Mapping[str, object], use: str, *operations: str) -> bool:
    """Whether a JWK allows *use* and one of *operations* (RFC 7517 sections 4.2 and 4.3)."""
    allowed = jwk.get("key_ops", list(operations))
    return jwk.get("use", use) == use and isinstance(allowed, list) and any(one in allowed for one in operations)


def is_rsa(key: Key) -> bool:
    """RSA, long enough, and no longer than there is a reason for."""
    return (
        isinstance(key, RSAKey)
        and key.raw_value.key_size >= MINIMUM_RSA_BITS
        and not is_costly(key.as_dict(private=False))
    )


def is_costly(jwk: Mapping[str, object]) -> bool:
    """Whether *jwk* is an RSA key that is made so that using it takes many times as long as another."""
    return jwk.get("kty") == "RSA" and (
        _bits(jwk.get("n")) > _MOST_RSA_BITS or _bits(jwk.get("e")) > _MOST_EXPONENT_BITS
    )


def _bits(number: object) -> int:
    """Of a Base64urlUInt (RFC 7518 section 2); none where it is something else."""
    try:
        return int.from_bytes(urlsafe_b64decode(str(number).encode())).bit_length()
    except ValueError:
        return 0


def is_on(*curves: str) -> Callable[[Key], bool]:
    """A test for keys on one of *curves*."""
    return lambda key: isinstance(key, (ECKey, OKPKey)) and key.curve_name in curves
