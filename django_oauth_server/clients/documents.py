"""Documents that describe clients (draft-ietf-oauth-client-id-metadata-document): fetched, judged as what a client says that registers itself, and
kept for as long as they may be."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from django.utils import timezone

from django_oauth_server.clients.registration import uses_secret
from django_oauth_server.clients.self_registration import metadata_of_itself
from django_oauth_server.clients.throttling import asking_address
from django_oauth_server.component import Document
from django_oauth_server.conf.client_id_metadata_documents import DocumentSettings
from django_oauth_server.conf.rates import parse_rate
from django_oauth_server.errors import InvalidClientMetadata, InvalidRequest, TemporarilyUnavailable, TooManyRequests
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.outbound import (
    Address,
    Addresses,
    Answer,
    Bounds,
    Fetched,
    Forbidden,
    Refused,
    Unreachable,
    fetch,
    spend,
)
from django_oauth_server.protocol.hosts import host_of
from django_oauth_server.protocol.json_object import parse_object

PAUSE: Final = 5.0
"""Seconds in which a document is not fetched twice, whatever its headers say of keeping it, and whether it was of use or not."""
USUAL: Final = 300.0
"""Seconds for which it is kept where its headers say nothing."""
STALE: Final = 3600.0
"""Seconds for which it serves after that while its server does not answer."""
KEYS_KEPT: Final = 50
"""Seconds for which it is kept at most where the client's keys are in it."""
MOST_BYTES: Final = 5 * 1024
"""Section 8.7."""
BY_HOST: Final = "client_id_metadata_documents_by_host"
BY_ADDRESS: Final = "client_id_metadata_documents_by_address"
"""The names of the limits for documents of which nothing is kept: how many of a host, and how many for one sender."""

_MOST: Final = 1024
_ACCEPT: Final = "application/json"
_SECRETS: Final = ("client_secret", "client_secret_expires_at")
_OVERLOADED: Final = 429


class Described(NamedTuple):
    """What a document said."""

    metadata: Mapping[str, object]
    """As it is registered here."""
    fetched_at: datetime


_addresses: Final[Addresses[Described]] = Addresses(_MOST)


def metadata_at(client_id: str, issuer: Issuer, row: Client | None) -> dict[str, object]:
    """What the document at *client_id* says of the client, as it is registered here.

    *row* is what was stored of it. If another process has stored a newer document than this one keeps, the document is fetched again; within the
    pause, the row counts. Raises `Refused`, with what the client's developer has to mend, and `Unreachable` where it cannot be had now.
    """
    profile, asker = row.profile if row else "", host_of(client_id)  # as `Client.account`
    address = _addresses.at(_name(client_id, issuer, profile), lambda: _address(client_id, issuer, row))
    if row is None and address.is_new:
        _spend(client_id, issuer)
    found = address.current(asker)
    if row and _is_older(found, row):
        found = address.newer_than(found, asker)
    return deepcopy(dict(row.metadata if row and _is_older(found, row) else found.metadata))


def _spend(client_id: str, issuer: Issuer) -> None:
    """Raise `TooManyRequests` where the document is one too many for the sender or the host. Only clients without a row are counted, so that whoever
    makes up others at a host shuts out none that people have allowed something."""
    whose = {BY_ADDRESS: asking_address(issuer), BY_HOST: host_of(client_id)}
    for throttle, who in whose.items():
        rate = issuer.settings.throttles[throttle]
        wait = spend(f"{throttle} {issuer} {who}", parse_rate(rate)) if rate and who else 0
        if wait:
            raise TooManyRequests(wait, detail=f"too many unknown client ID metadata documents: {throttle} {who}")


def _is_older(found: Described, row: Client) -> bool:
    return row.metadata != found.metadata and found.fetched_at < row.updated_at


def last_fetched(client: Client, issuer: Issuer) -> datetime | None:
    """When this process last got the document of *client*. None: it keeps none."""
    known = _addresses.known(_name(client.client_id, issuer, client.profile))
    kept = known.kept if known else None
    return kept.fetched_at if kept else None


def why_not(client_id: str, issuer: Issuer, profile: str) -> str:
    """What was wrong when the document at *client_id* was last fetched for a client of *profile*, for its developer. Empty: nothing, or it is not
    known."""
    known = _addresses.known(_name(client_id, issuer, profile))
    return known.failure if known else ""


def _name(client_id: str, issuer: Issuer, profile: str) -> tuple[str, str, str]:
    return (issuer.settings.issuer, client_id, profile)


def _address(client_id: str, issuer: Issuer, row: Client | None) -> Address[Described]:
    profile, stored = (row.profile, deepcopy(row.metadata)) if row else ("", {})
    longest = issuer.settings.group(DocumentSettings).longest_kept.total_seconds()
    bounds = Bounds(usual=min(USUAL, longest), longest=longest, stale=STALE, pause=PAUSE)
    patience = issuer.settings.outbound_timeout.total_seconds() + 1
    key = f"client ID metadata document {issuer} {client_id} {profile}".rstrip()
    return Address(key, partial(_fetch, client_id, issuer, profile, stored), bounds, patience)


def _fetch(client_id: str, issuer: Issuer, profile: str, stored: Document) -> Answer[Described]:
    now, known = timezone.now(), _addresses.known(_name(client_id, issuer, profile))
    before = known.kept.metadata if known and known.kept else stored
    try:
        found = fetch(client_id, issuer.settings, accept=_ACCEPT, most_bytes=MOST_BYTES)
    except Forbidden as exc:
        raise Refused(f"{host_of(client_id)} is not a host on the internet that this server may ask", str(exc)) from exc
    except Unreachable as exc:
        if exc.status in {0, _OVERLOADED} or exc.status >= 500:
            raise
        raise Refused(_why_of_no_use(exc), str(exc)) from exc
    metadata = _judge(_read(found), client_id, issuer, profile, before)
    return Answer(Described(metadata, now), _max_age(found, metadata))


def _max_age(found: Fetched, metadata: Document) -> int | None:
    """A key that was withdrawn is noticed within a minute, wherever it was published."""
    if "jwks" not in metadata:
        return found.max_age
    return KEYS_KEPT if found.max_age is None else min(found.max_age, KEYS_KEPT)


def _why_of_no_use(exc: Unreachable) -> str:
    if exc.status == 200:
        return f"it is larger than {MOST_BYTES} bytes"
    if 300 <= exc.status < 400:
        return "it must be at its address itself; redirects are not followed"
    return f"its server must answer with the status 200, and answers {exc.status}"


def _read(found: Fetched) -> Document:
    """The Content-Type is checked because other people may store files at the host, such as pictures, which are seldom served as JSON."""
    kind = found.content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refused("its Content-Type must be application/json")
    try:
        return parse_object(found.body)
    except InvalidRequest as exc:
        raise Refused("it must be a JSON object (RFC 8259), with each name once") from exc


def _judge(document: Document, client_id: str, issuer: Issuer, profile: str, before: Document) -> dict[str, object]:
    """Section 4. *before* is the metadata that was accepted when the document was last fetched: a `sector_identifier_uri` that answered for that is
    not asked again."""
    if document.get("client_id") != client_id:
        raise Refused("client_id: it must be the address of the document, character by character")
    for name in _SECRETS:
        if name in document:
            raise Refused(f"{name}: a document cannot hold a secret; leave it out")
    try:
        metadata = metadata_of_itself(_meant_here(document, issuer), issuer, profile, before)
    except InvalidClientMetadata as exc:
        raise Refused(exc.description) from exc
    except TemporarilyUnavailable as exc:
        raise Unreachable(str(exc)) from exc
    if uses_secret(Client(metadata=metadata, profile=profile), issuer):
        raise Refused(
            "a document shares no secret with this server: use none or private_key_jwt, and no algorithm that needs a secret"
        )
    return metadata


def _meant_here(document: Document, issuer: Issuer) -> Document:
    """One document describes the client to every server, so scopes that are not offered here are left out. A client that does not say how it
    authenticates is a public one, as no secret can be agreed on."""
    scope = document.get("scope")
    if isinstance(scope, str):
        scope = " ".join(one for one in scope.split() if one in issuer.settings.scopes)
    return {
        **document,
        "scope": scope,
        "token_endpoint_auth_method": document.get("token_endpoint_auth_method") or "none",
    }
