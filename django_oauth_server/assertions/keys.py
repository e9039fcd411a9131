"""The keys of trusted issuers: those in the settings, or those that the issuer publishes, as a resource server keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from django_oauth_server.conf import TrustedIssuer
from django_oauth_server.protocol.jose import KeySet
from django_oauth_server.resource.verifiers.flights import PerProcess, Steps, drive
from django_oauth_server.resource.verifiers.issuer_keys import IssuerKeys
from django_oauth_server.resource.verifiers.remote import EXCHANGES

LIFETIME: Final = timedelta(minutes=10)
"""How long published keys are used without being fetched anew: a key that was withdrawn verifies nothing after that."""
STALE_FOR: Final = timedelta(hours=1)
"""How much longer they are used while the issuer does not answer."""
RETRY_UNKNOWN: Final = timedelta(seconds=30)
"""How often, at most, assertions that name unknown keys cause a fetch."""

T = TypeVar("T")


class Keys(Protocol):
    """Answers one question: what does a JWT say, if the issuer signed it?"""

    def tried(self, read: Callable[[KeySet], T]) -> Steps[KeySet, T]:
        """What *read* makes of the keys."""
        ...


class _Configured:
    """Keys that stand in the settings."""

    def __init__(self, jwks: Mapping[str, object]) -> None:
        self._keys = KeySet.of_client(jwks)

    def tried(self, read: Callable[[KeySet], T]) -> Steps[KeySet, T]:
        yield from ()
        return read(self._keys)


class _Known:
    """The keys of each trusted issuer, for as long as the settings have it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._keys: WeakKeyDictionary[TrustedIssuer, Keys] = WeakKeyDictionary()

    def of(self, trusted: TrustedIssuer) -> Keys:
        with self._lock:
            if trusted not in self._keys:
                self._keys[trusted] = _keys_of(trusted)
            return self._keys[trusted]


_known: Final = PerProcess(_Known)


def read_signed(trusted: TrustedIssuer, read: Callable[[KeySet], T]) -> T:
    """What *read* makes of the keys of *trusted*; where it raises `UnknownKey`, of newer ones. Raises `Unreachable` where they cannot be had.

    They are fetched once however many wait, and nobody waits for an issuer that is known not to answer.
    """
    patience = trusted.timeout.total_seconds() * EXCHANGES
    return drive(_known.get().of(trusted).tried(read), patience=patience)


def _keys_of(trusted: TrustedIssuer) -> Keys:
    if isinstance(trusted.keys, Mapping):
        return _Configured(trusted.keys)
    return IssuerKeys(
        trusted.issuer,
        trusted.keys,
        timeout=trusted.timeout,
        ca_bundle=trusted.ca_bundle,
        token_file=trusted.token_file,
        lifetime=LIFETIME,
        stale_for=STALE_FOR,
        retry_unknown=RETRY_UNKNOWN,
    )
