"""The public keys of clients: registered (`jwks`), or published where they say (`jwks_uri`) and kept for a moment."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache, partial
from typing import Final, NamedTuple

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.outbound import Address, Addresses, Answer, Bounds, Crowded, Unreachable, fetch
from django_oauth_server.protocol.jose import EncryptionKeySet, InvalidJWT, KeySet, UnknownKey, verify

BOUNDS: Final = Bounds(usual=50.0, longest=50.0, stale=300.0, pause=5.0)
"""A key that was added or withdrawn is noticed within a minute, whatever `Cache-Control` says. The last keys serve for five more."""

_MOST_BYTES: Final = 64 * 1024
_MOST_CLIENTS: Final = 1024
_ACCEPT: Final = "application/jwk-set+json, application/json"


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


def _newer_than(keys: ClientKeys, client: Client, issuer: Issuer) -> ClientKeys:
    address = None if client.metadata.get("jwks") else _address(client, issuer)
    return address.newer_than(keys, _asker(client)) if address else keys


def _asker(client: Client) -> str:
    """At whose expense its address is asked. Who vouches for software is in the settings, and has no identifier."""
    return client.account or str(client.metadata["jwks_uri"])


_addresses: Final[Addresses[ClientKeys]] = Addresses(_MOST_CLIENTS)


def _address(client: Client, issuer: Issuer) -> Address[ClientKeys] | None:
    """By issuer as well: each has its own list of hosts that it may ask."""
    url, settings = str(client.metadata.get("jwks_uri") or ""), issuer.settings
    if not url:
        return None
    patience = settings.outbound_timeout.total_seconds() + 1
    key = f"jwks {settings.issuer} {url}"
    return _addresses.at(key, lambda: Address(key, partial(_fetch, url, settings), BOUNDS, patience))


def _fetch(url: str, settings: IssuerSettings) -> Answer[ClientKeys]:
    found = fetch(url, settings, accept=_ACCEPT, most_bytes=_MOST_BYTES)
    try:
        return Answer(_parse(found.body), found.max_age)
    except (ValueError, RecursionError) as exc:
        raise Unreachable("what its jwks_uri answers is no JWK Set") from exc


@lru_cache(maxsize=_MOST_CLIENTS)
def _parse(jwks: str | bytes) -> ClientKeys:
    """Raises ValueError where it is no JWK Set."""
    document = json.loads(jwks)
    return ClientKeys(KeySet.of_client(document), EncryptionKeySet.parse(document))
