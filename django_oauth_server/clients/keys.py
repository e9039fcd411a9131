"""The public keys of clients: registered (`jwks`), or published where they say (`jwks_uri`) and kept for a moment."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from cachetools import LRUCache
from django.core.signals import setting_changed

from django_oauth_server import outbound
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import SETTING
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.outbound import Crowded, Errand, Unreachable, fetch, is_silent, is_under_way, run
from django_oauth_server.protocol.jose import EncryptionKeySet, InvalidJWT, KeySet, UnknownKey, verify
from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.verifiers.flights import PerProcess

LONGEST_KEPT: Final = 50.0
"""Seconds after which a key that was added or withdrawn is noticed at the latest, whatever `Cache-Control` says."""
STALE_FOR: Final = 300.0
"""Seconds for which the last keys still serve while the address does not answer."""
PAUSE: Final = 5.0
"""Seconds in which an address is not asked twice: not for keys that are unknown, not where it fails, not where it says `no-store`."""

_MOST_BYTES: Final = 64 * 1024
_MOST_CLIENTS: Final = 1024
_ACCEPT: Final = "application/jwk-set+json, application/json"

logger = get_log(__name__)


class ClientKeys(NamedTuple):
    """What a client's key set is good for."""

    signatures: KeySet
    encryption: EncryptionKeySet


NONE: Final = ClientKeys(KeySet.of_client({"keys": []}), EncryptionKeySet(()))


def verify_signed(
    token: str, client: Client, issuer: Issuer, *, algs: Collection[str], typ: str | tuple[str, ...]
) -> dict[str, object]:
    """The claims of *token*, if one of *client*'s keys has signed it. A key that is not known yet is looked for once.

    Of *algs*, those that its policy permits. Raises `InvalidJWT`, or `TemporarilyUnavailable` where the keys are not waited for.
    """
    algs = issuer.policy_for(client.profile).algorithms(algs)
    try:
        keys = client_keys(client, issuer)
        try:
            return verify(token, keys.signatures, algs=algs, typ=typ)
        except UnknownKey:
            newer = _newer_than(keys, client, issuer)
            if newer is keys:
                raise
            return verify(token, newer.signatures, algs=algs, typ=typ)
    except Crowded as exc:
        raise TemporarilyUnavailable(
            "The client's keys cannot be fetched right now.", detail=f"jwks_uri: {exc}"
        ) from exc
    except Unreachable as exc:
        raise InvalidJWT(f"the client's keys cannot be fetched: {exc}") from exc


def client_keys(client: Client, issuer: Issuer) -> ClientKeys:
    """Those that *client* has now; `NONE` where it registered none. Raises `Unreachable` where they are not to be had."""
    if jwks := client.metadata.get("jwks"):
        return _parse(json.dumps(jwks))
    address = _address(client, issuer)
    return address.current(_asker(client)) if address else NONE


def forget() -> None:
    """Ask every address anew."""
    _addresses.begin_anew()
    outbound.forget()


def _newer_than(keys: ClientKeys, client: Client, issuer: Issuer) -> ClientKeys:
    address = None if client.metadata.get("jwks") else _address(client, issuer)
    return address.newer_than(keys, _asker(client)) if address else keys


def _asker(client: Client) -> str:
    """At whose expense its address is asked. Who vouches for software is in the settings, and has no identifier."""
    return client.client_id or str(client.metadata["jwks_uri"])


class _Kept(NamedTuple):
    keys: ClientKeys
    since: float
    fresh_until: float


class _Address:
    """One `jwks_uri`. While one caller waits for its answer, the last good keys serve the others."""

    def __init__(self, url: str, settings: IssuerSettings) -> None:
        self._url = url
        self._settings = settings
        self._key = f"jwks {settings.issuer} {url}"
        self._patience = settings.outbound_timeout.total_seconds() + 1
        self._kept: _Kept | None = None
        self._answered_at = -math.inf

    def current(self, asker: str) -> ClientKeys:
        if keys := self._fresh():
            return keys
        last = self._last_good()
        if last and is_under_way(self._key):
            return last
        try:
            return self._ask(asker)
        except Crowded:
            if last:
                return last
            raise

    def newer_than(self, keys: ClientKeys, asker: str) -> ClientKeys:
        kept = self._kept
        return kept.keys if kept and kept.keys is not keys else self._ask(asker)

    def _fresh(self) -> ClientKeys | None:
        kept = self._kept
        return kept.keys if kept and monotonic() < kept.fresh_until else None

    def _last_good(self) -> ClientKeys | None:
        kept = self._kept
        return kept.keys if kept and monotonic() < kept.since + LONGEST_KEPT + STALE_FOR else None

    def _ask(self, asker: str) -> ClientKeys:
        """Not within the pause. The last good keys serve where there is no answer, for a while."""
        if monotonic() - self._answered_at >= PAUSE:
            try:
                run(Errand(self._key, asker, self._refresh), self._patience)
            except Crowded:
                raise
            except Unreachable as exc:
                logger.warning("The keys of a client cannot be fetched: %s", exc)
        if last := self._last_good():
            return last
        raise (Crowded if is_silent(self._key) else Unreachable)("no recent answer")

    def _refresh(self) -> None:
        try:
            self._kept = self._fetch(monotonic())
        finally:
            # Not when it was asked: who comes after a slow answer would ask again, one after the other.
            self._answered_at = monotonic()

    def _fetch(self, now: float) -> _Kept:
        found = fetch(self._url, self._settings, accept=_ACCEPT, most_bytes=_MOST_BYTES)
        try:
            keys = _parse(found.body)
        except (ValueError, RecursionError) as exc:
            raise Unreachable("what its jwks_uri answers is no JWK Set") from exc
        kept_for = LONGEST_KEPT if found.max_age is None else min(max(found.max_age, PAUSE), LONGEST_KEPT)
        return _Kept(keys, now, now + kept_for)


class _Addresses:
    """Those that were asked last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: LRUCache[tuple[str, str], _Address] = LRUCache(_MOST_CLIENTS)

    def at(self, url: str, settings: IssuerSettings) -> _Address:
        """By issuer as well: each has its own list of hosts that it may ask."""
        with self._lock:
            return self._known.setdefault((settings.issuer, url), _Address(url, settings))


_addresses: Final = PerProcess(_Addresses)


def _address(client: Client, issuer: Issuer) -> _Address | None:
    url = client.metadata.get("jwks_uri")
    return _addresses.get().at(str(url), issuer.settings) if url else None


@lru_cache(maxsize=_MOST_CLIENTS)
def _parse(jwks: str | bytes) -> ClientKeys:
    """Raises ValueError where it is no JWK Set."""
    document = json.loads(jwks)
    return ClientKeys(KeySet.of_client(document), EncryptionKeySet.parse(document))


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        forget()


setting_changed.connect(_forget)
