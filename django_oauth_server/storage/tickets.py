"""Tickets: handed out, found, redeemed once."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.models import Client, Ticket
from django_oauth_server.protocol.opaque import digest, generate
from django_oauth_server.storage.authorizations import unread
from django_oauth_server.storage.clients import as_remembered, forget_client, row_of
from django_oauth_server.storage.question import Question
from django_oauth_server.storage.transaction import Conflict
from django_oauth_server.storage.writing import Change, Insertion, Spending

_LONGEST = 200
_by_digest = Question(
    Ticket,
    lambda kind, digest: (
        Ticket.objects.select_related("client", "user", "authorization__user")
        .filter(kind=kind, digest=digest)
        .defer(*unread("authorization__"))
    ),
)
_insertion = Insertion(Ticket)
_redemption = Change(Ticket, sets=("redeemed_at",), unless=("redeemed_at",))


def hand_out(ticket: Ticket, prefix: str) -> str:
    """Store *ticket* and return its value, which is not stored. Raises `Conflict` where its client is remembered otherwise than it is."""
    value = generate(prefix)
    ticket.digest = digest(value)
    client = ticket.client
    if client is not None:
        ticket.client = row_of(client)
    if not _insertion.write([ticket], provided=as_remembered(client) if client else None):
        raise _forgotten(client)
    return value


def _forgotten(client: Client | None) -> Conflict:
    if client is not None:
        forget_client(client)
    return Conflict()


def make_room(user: AbstractBaseUser, kind: Ticket.Kind, most: int) -> None:
    """At most *most* - 1 tickets of *kind* stay of *user*, the newest."""
    of_user = Ticket.objects.filter(kind=kind, user=user)  # type: ignore[misc]
    older = list(of_user.order_by("-pk").values_list("pk", flat=True)[most - 1 : most + 99])
    if older:
        Ticket.objects.filter(pk__in=older).delete()


def find_ticket(kind: Ticket.Kind, value: str) -> Ticket | None:
    """The ticket of this value, with its client, user and authorization, whatever its state."""
    found = _by_digest.answer(kind, digest(value)) if len(value) <= _LONGEST else None
    if found and found.authorization and found.client:
        found.authorization.client = found.client
    return found


def redeemed(ticket: Ticket, now: datetime) -> Spending:
    """It is spent, unless somebody else was first."""
    return _redemption.of(ticket, now)
