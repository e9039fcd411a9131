"""Clients: found, remembered for a moment, stored."""

from __future__ import annotations

import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from copy import copy
from datetime import datetime, timedelta
from functools import cache, lru_cache
from operator import attrgetter
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple, NoReturn, Protocol

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from django_oauth_server.errors import UnauthorizedClient
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.models.foreign_secret import ForeignSecret
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.storage.authorizations import (
    forget_found,
    note_found,
    revoke_authorizations,
    with_authorization,
)
from django_oauth_server.storage.batches import walk
from django_oauth_server.storage.question import Question
from django_oauth_server.storage.revocations import record_clients, restore_clients
from django_oauth_server.storage.transaction import Conflict, after_commit, atomic
from django_oauth_server.storage.writing import Unchanged

_MOST: Final = 1024
"""How many clients a process remembers; the one unused longest goes first."""
_LONGEST_CLIENT_ID: Final = 255
_AWAY: Final = "away"
_SECRETS: Final = (
    "secret_digest",
    "previous_secret_digest",
    "encrypted_secret",
    "previous_encrypted_secret",
    "previous_secret_expires_at",
)
_REGISTRATION: Final = ("metadata", "registration_digest", "previous_registration_digest", "software_statement")


class ClientExists(Exception):
    """The issuer has a client of this id already."""


class _Remembered(NamedTuple):
    client: Client
    generation: str | None
    found_at: float


_remembered: Final[OrderedDict[tuple[str, str], _Remembered]] = OrderedDict()
_lock: Final = Lock()
_by_client_id: Final = Question(
    Client, lambda issuer, client_id: Client.objects.filter(issuer=issuer, client_id=client_id)
)
_with_authorization: Final = Question(
    Client,
    lambda issuer, client_id, user: with_authorization(Client.objects.filter(issuer=issuer, client_id=client_id), user),
)


def can_be_kept(client_id: str) -> bool:
    """Whether there could be a row of this id: PostgreSQL takes NUL in no text."""
    return 0 < len(client_id) <= _LONGEST_CLIENT_ID and "\0" not in client_id


def stored_client(issuer: str, client_id: str, user: AbstractBaseUser | AnonymousUser | None = None) -> Client | None:
    """The row of this id at *issuer*, whatever its state and source; with what *user* allows it, for `live_authorization` to take. MariaDB finds ids
    of another case as well; they are others."""
    if not can_be_kept(client_id):
        return None
    if user is None or user.pk is None:
        client = _by_client_id.answer(issuer, client_id)
    elif client := _with_authorization.answer(issuer, client_id, user.pk):
        note_found(client, user)
    return client if client and client.client_id == client_id else None


def remember_client(issuer: str, client_id: str) -> Client | None:
    """As `stored_client`; keeps a copy for `peek` of one that no other source describes."""
    generation = _generation(issuer)  # before the row is read, so that a save meanwhile is noticed
    client = stored_client(issuer, client_id)
    with _lock:
        _remembered.pop((issuer, client_id), None)
        if client and client.source == Client.TABLE:
            kept = copy(client)
            kept.is_remembered = True
            _remembered[issuer, client_id] = _Remembered(kept, generation, monotonic())
            if len(_remembered) > _MOST:
                _remembered.popitem(last=False)
    return client


def peek(issuer: str, client_id: str, lifetime: timedelta) -> Client | None:
    """The client as it was at most *lifetime* ago, where it is remembered; asks nobody. Threads share it: never change it.

    This process forgets a client that is saved at once. Of what others save it learns by what it does for the client: what is stored for it is stored
    `as_remembered`, what is handed out without that needs `check_memory`, and a refusal needs `as_it_is_now`.
    """
    with _lock:
        found = _remembered.get((issuer, client_id))
        if found is None or monotonic() - found.found_at >= lifetime.total_seconds():
            return None
        _remembered.move_to_end((issuer, client_id))
    return found.client


def as_remembered(client: Client) -> Unchanged | None:
    """The condition on which anything is stored for *client*; None where it was read just now."""
    return Unchanged(client, ("is_active", "updated_at")) if client.is_remembered else None


def check_memory(client: Client) -> None:
    """For what is handed out without a statement: raise `Conflict` where *client* was remembered, and has changed since. It is read only where any of
    the issuer's clients was saved."""
    if client.is_remembered and not is_current(client):
        as_it_is_now(client)


def is_current(client: Client) -> bool:
    """Whether none of the issuer's clients was saved since *client* was remembered, by anybody who shares Django's default cache. While that is away,
    what was remembered meanwhile is."""
    with _lock:
        found = _remembered.get((client.issuer, client.client_id))
    return found is not None and found.client is client and found.generation == _generation(client.issuer)


def forget_client(client: Client) -> None:
    """Have *client* read the next time."""
    with _lock:
        _remembered.pop((client.issuer, client.client_id), None)


def as_it_is_now(client: Client) -> Client:
    """*client*, read anew where it was remembered. Raises `Conflict` where it has changed since: whoever does all anew goes by what it is now."""
    if not client.is_remembered:
        return client
    return unchanged(client, remember_client(client.issuer, client.client_id))


def unchanged(client: Client, row: Client | None) -> Client:
    """*row*, as it was read just now. Raises `Conflict` where *client*, which was remembered, differs from it."""
    columns = _columns()
    if row is None or columns(row) != columns(client):
        forget_client(client)
        raise Conflict
    return row


@cache
def _columns() -> Callable[[Client], tuple[object, ...]]:
    return attrgetter(*(column.attname for column in Client._meta.concrete_fields))


def is_taken(issuer: str, client_id: str) -> bool:
    """Whether no other client can have this id, because of case as well where the database compares so."""
    return Client.objects.filter(issuer=issuer, client_id=client_id).exists()


def clients_beyond(issuer: str, profiles: Collection[str], formats: Collection[str], most: int) -> list[Client]:
    """Clients of *issuer* that name another profile, or another access token format: the first few."""
    known = Q(profile__in=["", *profiles], access_token_format__in=["", *formats])
    return list(Client.objects.filter(~known, issuer=issuer).order_by("pk")[:most])


def clients_named(issuer: str, client_ids: Collection[str]) -> dict[str, Client]:
    """Those of *client_ids* that are registered at *issuer*."""
    return {one.client_id: one for one in Client.objects.filter(issuer=issuer, client_id__in=client_ids)}


def all_clients(issuer: str | None, *, containing: str = "", only_disabled: bool = False) -> Iterator[Client]:
    """Those of *issuer*, or of all, the oldest first; with a text that is in their ID or their name."""
    found = Client.objects.filter(Q(client_id__icontains=containing) | Q(metadata__client_name__icontains=containing))
    found = found if issuer is None else found.filter(issuer=issuer)
    yield from walk(found.filter(is_active=False) if only_disabled else found)


def people_using(clients: Collection[Client], most: int | None = None) -> int:
    """How many people allow one of *clients* something today; no more than *most* are counted."""
    people = Authorization.objects.filter(client__in=clients, is_live=True).values("user").distinct()
    return people[:most].count()


def apps_of(owner: AbstractBaseUser, issuer: str) -> QuerySet[Client]:
    """The clients of *issuer* that belong to *owner*, the newest first."""
    return Client.objects.filter(owner_id=owner.pk, issuer=issuer, source=Client.TABLE).order_by("-pk")


def has_history(client: Client) -> bool:
    """Whether somebody ever allowed it something, or it was given a token that is still kept."""
    allowed, given = Authorization.objects.filter(client=client), Token.objects.filter(client=client)
    return allowed.exists() or given.exists()


def row_of(client: Client) -> Client:
    """*client*, as something that is stored can refer to it. One of the table is its row; one that another source describes has its row made here,
    or brought up to date.

    *client* itself stays as it is, since the transaction may be undone. Where another writer makes the row at the same time the database refuses,
    which is a conflict as any other: whoever does all anew finds the row.
    """
    if client.source == Client.TABLE:
        return client
    row = stored_client(client.issuer, client.client_id) if client._state.adding else client
    if row is None:
        return _made(client)
    if row is not client:
        row.metadata, row.registered_by = client.metadata, client.registered_by
    if row.differs:
        row = copy(row)
        bring_up_to_date(row)
    return row


def owner(client: Client) -> str:
    """By what *client* is known to own what it left here before anybody allowed it something: for that it needs no row."""
    return digest(f"{client.issuer} {client.client_id}")


def unused_rows(source: str, since: datetime) -> QuerySet[Client]:
    """Rows of clients that *source* describes, to which nobody has come since then, no token belongs, and no operator gave anything: they are made
    anew once somebody allows the client something."""
    untouched = Client.objects.filter(
        is_active=True, profile="", skip_consent=False, access_token_format="", owner=None
    ).filter(access_token_lifetime=None, refresh_token_lifetime=None)
    tokens = Token.objects.filter(client=OuterRef("pk"))  # no constraint holds the row for them
    return untouched.filter(~Exists(tokens), source=source, updated_at__lte=since)


class OfClient(Protocol):
    """A row that refers to a client."""

    client: Client


def refer_to_row(*rows: OfClient) -> None:
    """Let *rows*, which are about to be stored, refer to the row of their client. Whatever has a foreign key to the clients is stored so."""
    for one in rows:
        if one.client.source != Client.TABLE:
            one.client = row_of(one.client)


def _made(client: Client) -> Client:
    there = Client.objects.filter(issuer=client.issuer, client_id=client.client_id).values_list("client_id", flat=True)
    names = set(there)
    if client.client_id in names:
        raise Conflict
    if names:  # the database takes ids of another case for the same
        raise UnauthorizedClient(
            "The client_id differs from another client's only in upper and lower case.",
            detail=f"client_id {client.client_id!r}",
        )
    row = copy(client)
    row.save(force_insert=True)
    return row


def bring_up_to_date(row: Client) -> None:
    """Store what the source of *row* says of it now; what does not outlast that has ended (`_outlasts`)."""
    with atomic():
        stored = _stored(row)
        row.save(update_fields=["metadata", "registered_by", "updated_at"])
        if not _outlasts(stored, row):
            _end_authorizations(row, timezone.now())
            forget_found(row)


def _outlasts(before: Client, now: Client) -> bool:
    """Whether what people allowed a client outlasts a change of what its source says.

    Not in another sector. And where nobody vouches for it, not if none of the credentials by which it proved itself is left: who controls its source
    now may be somebody else, and what was handed out to the holder of a credential is not for whoever comes without it.
    """
    proven = now.is_vouched_for or not before.credentials or bool(before.credentials & now.credentials)
    return before.sector == now.sector and proven


def add_client(client: Client) -> None:
    """Store a new client. Raises `ClientExists`."""
    try:
        with atomic():
            client.save(force_insert=True)
    except IntegrityError as exc:
        raise ClientExists(client.client_id) from exc


def replace_secret(client: Client) -> None:
    """Store what is kept of *client*'s secrets, and nothing else of it."""
    client.save(update_fields=[*_SECRETS, "updated_at"])


def add_adopted(client: Client, encoded_secret: str) -> None:
    """Store a new client, and what another server's hasher made of its secret. Raises `ClientExists`."""
    with atomic():
        add_client(client)
        if encoded_secret:
            ForeignSecret.objects.create(client=client, encoded=encoded_secret)


def foreign_secret_of(client: Client) -> str:
    """What another server's hasher made of the secret that *client* was adopted with; empty where that was presented since, or there is none."""
    found = None if client._state.adding else ForeignSecret.objects.filter(client=client).first()
    return found.encoded if found else ""


def foreign_secret_still(client: Client) -> str:
    """The same, of *client* as it was read. Raises `Conflict` where the secret was presented since: the row has its digest now."""
    encoded = foreign_secret_of(client)
    if not encoded and not client._state.adding:
        unchanged(client, Client.objects.filter(pk=client.pk).first())
    return encoded


def keep_own_digest(client: Client, encoded: str, secret_digest: str) -> NoReturn:
    """Store the digest of the secret that *encoded* was made of, in its place, unless *client* was changed meanwhile: whether the secret is still the
    present one or the one before has to be found out anew. Raises `Conflict`: the row is another than *client* now."""
    column = "previous_secret_digest" if client.secret_digest else "secret_digest"
    with atomic():
        same = Client.objects.filter(pk=client.pk, updated_at=client.updated_at)
        if same.update(**{column: secret_digest}, updated_at=timezone.now()):
            ForeignSecret.objects.filter(client=client, encoded=encoded).delete()
    _forget(client)
    raise Conflict


def revise(client: Client, now: datetime) -> None:
    """Store what *client* registered anew. Raises `Conflict` where anything of it was changed since it was read."""
    values = {name: getattr(client, name) for name in (*_SECRETS, *_REGISTRATION)}
    with atomic():
        moves = _moves(client)
        unchanged = Client.objects.filter(pk=client.pk, updated_at=client.updated_at)
        if not unchanged.update(**values, updated_at=now):
            raise Conflict
        _forget(client)
        if moves:
            _end_authorizations(client, now)


def save_changed(client: Client) -> None:
    """Store what an operator changed of *client*, and nothing else of it: it may have been given another registration token meanwhile."""
    with atomic():
        moves = _moves(client)
        client.save()
        if moves:
            _end_authorizations(client, timezone.now())


def _moves(client: Client) -> bool:
    """Whether *client*, which is not saved yet, is in another sector from then on: it would know people by identifiers that are not its own.

    Raises `Conflict` where it was deleted meanwhile.
    """
    return _stored(client).sector != client.sector


def _stored(client: Client) -> Client:
    stored = Client.objects.filter(pk=client.pk).first()
    if stored is None:
        raise Conflict
    return stored


def _end_authorizations(client: Client, now: datetime) -> None:
    revoke_authorizations(Authorization.objects.filter(client=client, is_live=True), now)


def forget_previous_registration_token(client: Client) -> None:
    """The new one has arrived: it was used."""
    Client.objects.filter(pk=client.pk, registration_digest=client.registration_digest).update(
        previous_registration_digest=""
    )


def delete_client(client: Client, now: datetime) -> None:
    """End *client*, all that people allowed it, and all that it holds."""
    with atomic():
        _end_authorizations(client, now)
        client.delete()


def set_active(clients: Collection[Client], *, active: bool) -> int:
    """Enable or disable *clients*. Returns how many were changed."""
    affected = Client.objects.filter(pk__in=[client.pk for client in clients], is_active=not active)
    with atomic():
        changed = affected.update(is_active=active, updated_at=timezone.now())
        (restore_clients if active else record_clients)(clients)
    for client in clients:
        client.is_active = active
        _forget(client)
    return changed


def _generation(issuer: str) -> str | None:
    """What changes with each client that is saved, as the cache tells all who share it. While it is away, for all the same."""
    known: str | None = shared_cache("default").ask(lambda asked: asked.get(_generation_key(issuer)), away=_AWAY)
    return known


@lru_cache
def _generation_key(issuer: str) -> str:
    return "oauth_server:clients:" + hashlib.sha256(issuer.encode()).hexdigest()


def _forget(instance: Client, **_: object) -> None:
    """At once here, so that the transaction that saves reads what it wrote; everywhere once that is committed.

    While the cache is away, others learn of it within their lifetime.
    """
    forget_client(instance)
    key = _generation_key(instance.issuer)
    after_commit(lambda: shared_cache("default").ask(lambda asked: asked.set(key, uuid.uuid4().hex, None), away=None))


post_save.connect(_forget, sender=Client)
post_delete.connect(_forget, sender=Client)
