"""What a process knows of an issuer's keys at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django_oauth_server.protocol.jose import KeySet, SigningKeyPair


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair, and the time in which it signs. Without a beginning it signed from when it was published, whatever the clock here says."""

    pair: SigningKeyPair
    signs_from: datetime | None = None
    expires_at: datetime | None = None

    def signs(self, now: datetime) -> bool:
        begun = self.signs_from is None or self.signs_from <= now
        return begun and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that sign, the last to begin first, and the keys that are published."""

    signers: tuple[Signer, ...]
    jwks: dict[str, list[dict[str, object]]]
    """The JWK Set (RFC 7517 section 5), of public keys alone."""
    published: KeySet
    algs: frozenset[str]
    """The algorithms that have a key that signs, now or later."""

    @classmethod
    def of(
        cls, signers: Iterable[Signer], public_jwks: Iterable[dict[str, object]], former: Self | None = None
    ) -> Self:
        """*former*: what the process knew until now."""
        jwks, signers = {"keys": list(public_jwks)}, tuple(signers)
        published = KeySet.parse(jwks, former.published if former else None)
        return cls(signers, jwks, published, frozenset(one.pair.alg for one in signers))

    def signer(self, alg: str, now: datetime) -> SigningKeyPair | None:
        """The newest for *alg* that has begun to sign."""
        return next((one.pair for one in self.signers if one.pair.alg == alg and one.signs(now)), None)

    def any_signer(self, now: datetime) -> SigningKeyPair | None:
        """The newest of all that has begun to sign."""
        return next((one.pair for one in self.signers if one.signs(now)), None)

    @property
    def kids(self) -> frozenset[str]:
        """The names of the published keys."""
        return frozenset(kid for kid, _ in self.published.keys)
