"""What a process knows of an issuer's keys at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django_oauth_server.protocol.jose import KeySet, SigningKeyPair


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair, and the time in which it signs."""

    pair: SigningKeyPair
    signs_from: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that sign, the last to begin first, and the keys that are published."""

    signers: tuple[Signer, ...]
    jwks: dict[str, list[dict[str, object]]]
    """The JWK Set (RFC 7517 section 5), of public keys alone."""
    published: KeySet

    @classmethod
    def of(cls, signers: Iterable[Signer], public_jwks: Iterable[dict[str, object]]) -> Self:
        jwks = {"keys": list(public_jwks)}
        return cls(tuple(signers), jwks, KeySet.parse(jwks))

    def signer(self, alg: str, now: datetime) -> SigningKeyPair | None:
        """The newest that has begun to sign. Where none has (the clock of whoever made it is ahead), the one that begins first."""
        fitting = [
            one for one in self.signers if one.pair.alg == alg and (one.expires_at is None or now < one.expires_at)
        ]
        begun = (one for one in fitting if one.signs_from <= now)
        chosen = next(begun, fitting[-1] if fitting else None)
        return chosen.pair if chosen else None

    @property
    def kids(self) -> frozenset[str]:
        """The names of the published keys."""
        return frozenset(kid for kid, _ in self.published.keys)
