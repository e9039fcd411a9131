"""Keys in the database, as one process knows them: read again now and then, so that it learns of other processes' rotation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import SETTING
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.keys.encryption import Undecipherable, decrypt, encrypt
from django_oauth_server.keys.ring import KeyRing, Signer
from django_oauth_server.models import SigningKey
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.protocol.log import get_log
from django_oauth_server.storage.signing_keys import add_signing_keys, signing_keys
from django_oauth_server.storage.transaction import after_commit

PATIENCE: Final = 5.0
"""Seconds that pass between two readings for keys that tokens of strangers name."""

_LONGEST_INTERVAL: Final = 60.0

logger = get_log(__name__)


def refresh_interval(settings: IssuerSettings) -> float:
    """Seconds after which keys are read again: a fraction of the time that a new key is published before it signs, so that all know it by then."""
    return min(max(settings.key_publication_lead.total_seconds() / 4, PATIENCE), _LONGEST_INTERVAL)


def new_key(settings: IssuerSettings, alg: str, *, published: datetime, signs_from: datetime) -> SigningKey:
    """One that was never there before. It is not saved yet."""
    pair = SigningKeyPair.generate(alg)
    return SigningKey(
        issuer=settings.issuer,
        kid=pair.kid,
        alg=pair.alg,
        public_jwk=pair.public_jwk(),
        encrypted_private_jwk=encrypt(pair.dump(), settings),
        created_at=published,
        signs_from=signs_from,
    )


def offered(settings: IssuerSettings) -> tuple[str, ...]:
    """The algorithms that have keys: the one of access tokens, and those that clients choose among."""
    return tuple(dict.fromkeys((*settings.signing_algs, settings.signing_alg)))


class DatabaseKeys:
    """Each algorithm has its own line: the key that began to sign last signs; all are published until they expire.

    The first keys of all lines are made together, when one is asked for, so that nobody can have read a key set without them. A line that
    comes later is published first, as a key is that was rotated: who has kept the key set does not know it.

    There is no lock. Two processes that make the first keys at once make two of each: all are published, and the same ones sign for both as
    soon as they read again.
    """

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings
        self._interval = refresh_interval(settings)
        self._algs = offered(settings)
        self._kept: KeyRing | None = None
        self._read_at = self._sought_at = -PATIENCE
        self._pairs: dict[str, SigningKeyPair] = {}
        self._uncommitted: set[str] = set()

    def ring(self) -> KeyRing:
        """What was read no longer ago than the interval."""
        if self._kept is not None and monotonic() - self._read_at < self._interval:
            return self._kept
        return self._read()

    def sought(self) -> KeyRing:
        """Read again for a key that a token names and this process does not know: junk cannot make it query more than once in `PATIENCE`."""
        if monotonic() - self._sought_at < PATIENCE:
            return self.ring()
        self._sought_at = monotonic()
        return self._read()

    def remembered(self) -> KeyRing | None:
        """What was read last, without a look at the database."""
        return self._kept

    def complete(self, *, anew: bool = False) -> KeyRing:
        """The same, or read *anew*, with keys for all that is offered: those that are missing are made."""
        ring = self._read() if anew else self.ring()
        if ring.algs.issuperset(self._algs):
            return ring
        ring = self._read()
        missing = [alg for alg in self._algs if alg not in ring.algs]
        return self._make(missing, ring) if missing else ring

    def signer(self, alg: str | None = None) -> SigningKeyPair:
        """The key that signs now with *alg*; or with the algorithm of access tokens and, until its first key signs, as before."""
        now, ring = timezone.now(), self.complete()
        if alg is None:
            found = ring.signer(self._settings.signing_alg, now) or ring.any_signer(now)
        else:
            found = ring.signer(alg, now) or self._read().signer(alg, now)  # it may have been let sign since
        return found or self._refuse(alg or self._settings.signing_alg, ring)

    def _refuse(self, alg: str, ring: KeyRing) -> NoReturn:
        if alg not in ring.algs:
            raise ImproperlyConfigured(f"{SETTING}: signing_algs has no {alg}.")
        raise TemporarilyUnavailable(
            "The server's key for this client's algorithm is not used for signing yet.",
            detail=f"the key for {alg} is published but not used for signing yet; to use it now, run manage.py rotatekeys --now --alg {alg}",
        )

    def _make(self, algs: list[str], ring: KeyRing) -> KeyRing:
        now = timezone.now()
        rows = [new_key(self._settings, alg, published=now, signs_from=self._beginning(alg, ring, now)) for alg in algs]
        add_signing_keys(rows)
        # Inside a transaction they are not kept before the commit: a rollback takes the keys away, and this process would go on signing with them.
        made = {row.kid for row in rows}
        self._uncommitted |= made
        after_commit(partial(self._committed, made))
        return self._read()

    def _beginning(self, alg: str, ring: KeyRing, now: datetime) -> datetime:
        """A new line waits until others know it, unless nothing signs here, or what signed with *alg* cannot be decrypted any more."""
        published = {alg for _, alg in ring.published.keys}
        waits = alg not in published and ring.any_signer(now)
        return now + self._settings.key_publication_lead if waits else now

    def _committed(self, kids: set[str]) -> None:
        self._uncommitted -= kids
        self._kept = None

    def _read(self) -> KeyRing:
        self._read_at = monotonic()  # first, so that other threads go on with what is kept while this one reads
        now = timezone.now()
        rows = [row for row in signing_keys(self._settings.issuer) if row.expires_at is None or now < row.expires_at]
        ring = KeyRing.of(self._signers(rows), [row.public_jwk for row in rows], self._kept)
        self._pairs = {one.pair.kid: one.pair for one in ring.signers}
        self._kept = None if ring.kids & self._uncommitted else ring
        return ring

    def _signers(self, rows: list[SigningKey]) -> Iterator[Signer]:
        for row in rows:
            try:
                yield Signer(
                    self._pair(row), row.signs_from if row.created_at < row.signs_from else None, row.expires_at
                )
            except Undecipherable:
                logger.warning("Signing key %s is not used here: no secret of this deployment decrypts it.", row.kid)

    def _pair(self, row: SigningKey) -> SigningKeyPair:
        """Decrypted and parsed once, not at each reading."""
        return self._pairs.get(row.kid) or SigningKeyPair.load(decrypt(row.encrypted_private_jwk, self._settings))
