"""Which client is this? The only place where it is asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from django_oauth_server.clients.sources.base import ClientSource
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.clients import (
    bring_up_to_date,
    can_be_kept,
    is_current,
    peek,
    remember_client,
    stored_client,
)
from django_oauth_server.storage.transaction import in_own_transaction

_WHILE_IT_WAITS: Final = timedelta(minutes=1)
"""How old a client may be that is told to wait. Between two requests of one device there are five seconds at least."""


def find_client(issuer: Issuer, client_id: str, user: AbstractBaseUser | AnonymousUser | None = None) -> Client | None:
    """The client of this id at *issuer*, whatever its state. What *user* allows it, if one is named, is found in the same statement.

    A row says from which source its client is, so that no other source can take the id over; without that source nobody is known by it.
    """
    return _described(issuer, client_id, stored_client(issuer.settings.issuer, client_id, user))


def recall_client(issuer: Issuer, client_id: str) -> Client | None:
    """As `find_client`; or, of the table, as it was a moment ago. It is shared: never change it, and mind what `peek` says of it."""
    known = peek(issuer.settings.issuer, client_id, issuer.settings.client_cache_lifetime)
    return known or _remembered(issuer, client_id)


def recall_waiting_client(issuer: Issuer, client_id: str) -> Client | None:
    """As `recall_client`, for an answer that nothing is ready yet. Before anything else is answered, `as_it_is_now` has to be asked."""
    known = peek(issuer.settings.issuer, client_id, _WHILE_IT_WAITS)
    return known if known and is_current(known) else _remembered(issuer, client_id)


def explain_unknown(issuer: Issuer, client_id: str) -> str:
    """Why nobody is known by this id, which was just looked up, for the client's developer; empty where there is nothing to say but that."""
    return next(filter(None, (one.explain(issuer, client_id) for one in _all_sources(issuer))), "")


def shut_out(issuer: Issuer, clients: Collection[Client]) -> set[str]:
    """The ids of those of *clients* that an operator does not let in, in a statement or none for each source."""
    known = {one: [client.client_id for client in clients if client.source == one.name] for one in _all_sources(issuer)}
    return {client_id for one, theirs in known.items() if theirs for client_id in one.shut_out(issuer, theirs)}


def _all_sources(issuer: Issuer) -> tuple[ClientSource, ...]:
    """Those that are switched off as well: they say so."""
    components = issuer.components
    return (*components.of(ClientSource).values(), *components.switched_off(ClientSource))


def _remembered(issuer: Issuer, client_id: str) -> Client | None:
    """As `find_client`, which is kept for the next who recalls it."""
    return _described(issuer, client_id, remember_client(issuer.settings.issuer, client_id))


def _described(issuer: Issuer, client_id: str, row: Client | None) -> Client | None:
    sources = issuer.components.of(ClientSource)
    if row is not None:
        return _found(sources[row.source], issuer, client_id, row) if row.source in sources else None
    if not can_be_kept(client_id):
        return None
    return next(filter(None, (_found(one, issuer, client_id, None) for one in sources.values())), None)


def _found(source: ClientSource, issuer: Issuer, client_id: str, row: Client | None) -> Client | None:
    if source.asks_others and in_own_transaction():
        raise RuntimeError(
            f"The client source {source.name} may ask another server: look clients up before the transaction."
        )
    client = source.find(issuer, client_id, row)
    if client is None or client is row:
        return client
    if row is not None:
        row.metadata, row.vouched_by_source = client.metadata, client.vouched_by_source
        client = row
    else:
        client.issuer, client.client_id, client.source = issuer.settings.issuer, client_id, source.name
        client.updated_at = client.created_at
    client.registered_by = Client.RegisteredBy.OPERATOR if source.vouched_for else source.registered_by
    client.skip_consent = client.skip_consent and source.vouched_for
    if client is row and row.differs:
        bring_up_to_date(row)
    return client
