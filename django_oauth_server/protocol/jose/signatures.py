"""Signed JWTs and the keys for them (RFC 7515, 7518, 7519, 8037), under the rules of RFC 8725."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from joserfc import jwt
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, GuestProtocol, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import json_b64encode, urlsafe_b64encode

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

_MOST_KEYS: Final = 50
_CLAIMS: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

FITS: Final[Fits] = {
    "ES256": is_on("P-256"),
    "RS256": is_rsa,
    "PS256": is_rsa,
    "EdDSA": is_on("Ed25519"),
    "Ed25519": is_on("Ed25519"),
}
ALGORITHMS: Final = tuple(FITS)
"""What is signed and verified with. All are asymmetric: a public key can never be taken for a shared secret (RFC 8725 section 2.1)."""


class Registry(JWSRegistry):
    """Of the library's algorithms those that are named.

    `EdDSA` among them without the library's warning: RFC 9864 would rather call it Ed25519, as some clients do, but metadata, JWKs and the
    certification profiles say EdDSA, and `FITS` leaves it no other curve.
    """

    max_header_length = 16_384
    """As sent. Clients may put a chain of certificates there (`x5c`), which nothing here reads."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(strict_check_header=False)  # unknown header members are ignored (RFC 7515 section 4)
        self._models = {name: self.algorithms[name] for name in names}

    def get_alg(self, name: str) -> JWSAlgModel:
        try:
            return self._models[name]
        except (KeyError, TypeError) as exc:
            raise UnsupportedAlgorithmError("not allowed here") from exc


REGISTRY: Final = Registry(ALGORITHMS)


class _ReadyKey:
    """A private key, as the library's algorithms ask for it: what they look up for each signature was looked up, and checked, once."""

    __slots__ = ("_native", "curve_key_size")

    def __init__(self, key: Key) -> None:
        self._native = key.get_op_key("sign")
        self.curve_key_size = key.curve_key_size if isinstance(key, ECKey) else 0

    def get_op_key(self, operation: str) -> object:
        return self._native


class _Signer:
    """What of a signature is the same for every token that one key signs: the algorithm, the key, and the header of each type."""

    __slots__ = ("_alg", "_headers", "_key", "_kid")

    def __init__(self, key: Key, alg: str, kid: str) -> None:
        self._alg = REGISTRY.get_alg(alg)
        self._alg.check_key(key)
        self._key = _ReadyKey(key)
        self._kid = kid
        self._headers: dict[str, bytes] = {}

    def sign(self, payload: bytes, typ: str) -> str:
        """The JWS in its compact serialization (RFC 7515 section 7.1)."""
        if typ not in self._headers:
            self._headers[typ] = json_b64encode({"alg": self._alg.name, "typ": typ, "kid": self._kid})
        said = self._headers[typ] + b"." + urlsafe_b64encode(payload)
        return (said + b"." + urlsafe_b64encode(self._alg.sign(said, self._key))).decode()


@dataclass(frozen=True, slots=True)
class SigningKeyPair(KeyPair):
    """A private key that signs, with the two header members that go with it."""

    signer: _Signer = field(init=False, repr=False, compare=False)
    FITS = FITS
    GENERATE = {
        "ES256": lambda: ECKey.generate_key("P-256"),
        "RS256": lambda: RSAKey.generate_key(MINIMUM_RSA_BITS),
        "PS256": lambda: RSAKey.generate_key(MINIMUM_RSA_BITS),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
        "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    }
    USE = "sig"
    NEEDED = "an EC key on P-256 (ES256), an RSA key of at least 2048 bits (RS256, PS256) or an Ed25519 key (EdDSA)"

    def __post_init__(self) -> None:
        object.__setattr__(self, "signer", _Signer(self.key, self.alg, self.kid))


@dataclass(frozen=True, slots=True)
class KeySet:
    """The public keys of an issuer or of a client, parsed once."""

    keys: Mapping[tuple[str, str], Key] = field(repr=False)
    """By `kid` and algorithm: a key verifies nothing but what it was published for (RFC 8725 section 3.1)."""
    fitting: Mapping[str, tuple[Key, ...]] | None = field(default=None, repr=False)
    """Those of a client by algorithm, as its tokens need not name a key. None: tokens must."""

    @classmethod
    def parse(cls, document: object, former: Self | None = None) -> Self:
        """From an issuer's JWK Set. Keys that cannot be used are passed over (RFC 7517 section 5). Raises ValueError where it is no JWK Set.

        Where *former* has the same keys it is returned: what is remembered of a key set (`resource/verifiers/signed.py`) holds on.
        """
        found = cls({(kid, alg): key for kid, alg, key in reversed(_entries(document)) if kid})
        return former if former is not None and found._thumbprints() == former._thumbprints() else found

    @classmethod
    def of_client(cls, document: object) -> Self:
        """From a client's: where one key alone fits, neither it nor a token needs a `kid` (OpenID Connect Core section 10.1)."""
        entries = _entries(document)
        named = {(kid, alg): key for kid, alg, key in reversed(entries) if kid}
        fitting = {alg: tuple(key for _, fit, key in entries if fit == alg) for alg in ALGORITHMS}
        return cls(named, fitting)

    def _thumbprints(self) -> dict[tuple[str, str], str]:
        return {name: key.thumbprint() for name, key in self.keys.items()}

    def find(self, kid: str, alg: str) -> Key:
        """The key that a token names, or the only one that it can mean. Raises `InvalidJWT`."""
        if kid:
            key = self.keys.get((kid, alg))
        elif self.fitting is None or len(self.fitting[alg]) > 1:
            raise InvalidJWT("it does not name a key (kid)")
        else:
            key = next(iter(self.fitting[alg]), None)
        if key is None:
            raise UnknownKey("it names a key that is not published, or not for its algorithm")
        return key


def sign(claims: Mapping[str, object], pair: SigningKeyPair, *, typ: str) -> str:
    """The JWT that says *claims*, of the explicit type *typ* (RFC 8725 section 3.11)."""
    return pair.signer.sign(_CLAIMS.encode(dict(claims)).encode(), typ)


def verify(
    token: str, keys: KeySet, *, algs: Collection[str] = ALGORITHMS, typ: str | tuple[str, ...]
) -> dict[str, object]:
    """The claims of *token*, signed by one of *keys* with one of *algs*. Raises `InvalidJWT`, whatever *token* is.

    It is of the type *typ*, or of one of several; "" is that of a token that says none. What the claims say (issuer, audience, expiry) is left
    to the caller.
    """

    def key_for(jws: GuestProtocol) -> Key:
        header = jws.headers()
        check_header(header, algs, typ)
        return keys.find(str(header.get("kid") or ""), str(header["alg"]))

    return claims_of(token, key_for, REGISTRY)


def claims_of(token: str, key: Callable[[GuestProtocol], Key | OctKey], registry: Registry) -> dict[str, object]:
    """The claims, if *key* has signed them. Raises `InvalidJWT`."""
    try:
        claims: object = jwt.decode(token, key, registry=registry).claims
    except InvalidJWT:
        raise
    except JUNK as exc:
        raise InvalidJWT(f"not a JWT that can be verified ({type(exc).__name__})") from exc
    if not isinstance(claims, dict):  # not every version of the library looks
        raise InvalidJWT("its claims are not a JSON object (RFC 7519 section 7.2)")
    return claims


def check_header(header: Mapping[str, object], algs: Collection[str], typ: str | tuple[str, ...]) -> None:
    """Raises `InvalidJWT` where *header* says what is not understood, not allowed, or not what was asked for."""
    if "crit" in header:
        raise InvalidJWT("it has critical header members, which are not supported (RFC 7515 section 4.1.11)")
    if header["alg"] not in algs:
        raise InvalidJWT("its algorithm is not allowed here")
    asked = (typ,) if isinstance(typ, str) else typ
    if media_type(header.get("typ", "")) not in map(media_type, asked):
        raise InvalidJWT(f"its type is not {' or '.join(filter(None, asked))}")


def media_type(typ: object) -> str:
    """RFC 7515 section 4.1.9: `application/` may be left out; media types are compared without case."""
    return str(typ).lower().removeprefix("application/")


def jwks_of(document: object) -> list[object]:
    """The keys of a JWK Set, as many as anybody needs: parsed keys are kept, of each client its own. Raises ValueError where it is none."""
    jwks = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(jwks, list):
        raise ValueError('a JWK Set is an object with a list of "keys" (RFC 7517 section 5)')
    return jwks[:_MOST_KEYS]


def _entries(document: object) -> list[tuple[str, str, Key]]:
    return [entry for jwk in jwks_of(document) for entry in _uses(jwk)]


def _uses(jwk: object) -> Iterator[tuple[str, str, Key]]:
    """Under which names *jwk* verifies what; nothing where it is not for signatures, or not understood."""
    try:
        if isinstance(jwk, dict) and isinstance(kid := jwk.get("kid", ""), str) and is_for(jwk, "sig", "verify"):
            key = public_from_jwk(jwk)
            yield from [(kid, alg, key) for alg in algorithms(key, jwk, FITS)]
    except JUNK:
        return
