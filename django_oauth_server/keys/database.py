"""Keys in the database, as one process knows them: read again now and then, so that it learns of other processes' rotation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final

from django.utils import timezone

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.keys.encryption import Undecipherable, decrypt, encrypt
from django_oauth_server.keys.ring import KeyRing, Signer
from django_oauth_server.models import SigningKey
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.storage.signing_keys import add_signing_key, signing_keys
from django_oauth_server.storage.transaction import after_commit

PATIENCE: Final = 5.0
"""Seconds that pass between two readings on behalf of strangers."""

_LONGEST_INTERVAL: Final = 60.0

logger = logging.getLogger(__name__)


def refresh_interval(settings: IssuerSettings) -> float:
    """Seconds after which keys are read again: a fraction of the time that a new key is published before it signs, so that all know it by then."""
    return min(max(settings.key_publication_lead.total_seconds() / 4, PATIENCE), _LONGEST_INTERVAL)


def new_key(settings: IssuerSettings, pair: SigningKeyPair, *, published: datetime, signs_from: datetime) -> SigningKey:
    """The row for *pair*."""
    return SigningKey(
        issuer=settings.issuer,
        kid=pair.kid,
        alg=pair.alg,
        public_jwk=pair.public_jwk(),
        encrypted_private_jwk=encrypt(pair.dump(), settings),
        created_at=published,
        signs_from=signs_from,
    )


class DatabaseKeys:
    """The key that began to sign last signs; all are published until they expire. The first is made when it is asked for.

    There is no lock. Two processes that make the first key at once make two: both are published, and the same one signs for both as
    soon as they read again.
    """

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings
        self._interval = refresh_interval(settings)
        self._kept: KeyRing | None = None
        self._read_at = self._sought_at = -PATIENCE
        self._pairs: dict[str, SigningKeyPair] = {}
        self._uncommitted: set[str] = set()

    def ring(self, max_age: float | None = None) -> KeyRing:
        """What was read no longer ago than *max_age* seconds."""
        if self._kept is not None and monotonic() - self._read_at < (self._interval if max_age is None else max_age):
            return self._kept
        return self._read()

    def sought(self) -> KeyRing:
        """Read again for a key that a token names and this process does not know: junk cannot make it query more than once in `PATIENCE`."""
        if monotonic() - self._sought_at < PATIENCE:
            return self.ring()
        self._sought_at = monotonic()
        return self._read()

    def signer(self, alg: str | None = None) -> SigningKeyPair:
        """The key that signs now with *alg*, or with the algorithm of new keys."""
        alg = alg or self._settings.signing_alg
        return (
            self.ring().signer(alg, timezone.now()) or self._read().signer(alg, timezone.now()) or self._make_first(alg)
        )

    def _make_first(self, alg: str) -> SigningKeyPair:
        now, pair = timezone.now(), SigningKeyPair.generate(alg)
        add_signing_key(new_key(self._settings, pair, published=now, signs_from=now))
        # Inside a transaction it is not kept before the commit: a rollback takes the key away, and this process would go on signing with it.
        self._uncommitted.add(pair.kid)
        after_commit(partial(self._committed, pair.kid))
        return self._read().signer(alg, now) or pair

    def _committed(self, kid: str) -> None:
        self._uncommitted.discard(kid)
        self._kept = None

    def _read(self) -> KeyRing:
        self._read_at = monotonic()  # first, so that other threads go on with what is kept while this one reads
        now = timezone.now()
        rows = [row for row in signing_keys(self._settings.issuer) if row.expires_at is None or now < row.expires_at]
        ring = KeyRing.of(self._signers(rows), [row.public_jwk for row in rows])
        self._pairs = {one.pair.kid: one.pair for one in ring.signers}
        self._kept = None if ring.kids & self._uncommitted else ring
        return ring

    def _signers(self, rows: list[SigningKey]) -> Iterator[Signer]:
        for row in rows:
            try:
                yield Signer(self._pair(row), row.signs_from, row.expires_at)
            except Undecipherable:
                logger.warning("Signing key %s does not sign here: no secret of this deployment decrypts it.", row.kid)

    def _pair(self, row: SigningKey) -> SigningKeyPair:
        """Decrypted and parsed once, not at each reading."""
        return self._pairs.get(row.kid) or SigningKeyPair.load(decrypt(row.encrypted_private_jwk, self._settings))
