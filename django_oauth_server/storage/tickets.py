"""Tickets: handed out, found, redeemed once."""

from __future__ import annotations

from datetime import datetime

from django_oauth_server.models import Ticket
from django_oauth_server.protocol.opaque import digest, generate

_LONGEST = 200


def hand_out(ticket: Ticket, prefix: str) -> str:
    """Store *ticket* and return its value, which is not stored."""
    value = generate(prefix)
    ticket.digest = digest(value)
    ticket.save(force_insert=True)
    return value


def find_ticket(kind: Ticket.Kind, value: str) -> Ticket | None:
    """The ticket of this value, with its client, user and authorization, whatever its state."""
    if len(value) > _LONGEST:
        return None
    return (
        Ticket.objects.select_related("client", "user", "authorization__user")
        .filter(digest=digest(value), kind=kind)
        .first()
    )


def redeem(ticket: Ticket, now: datetime) -> bool:
    """Mark *ticket* spent. False where somebody else was first."""
    return bool(Ticket.objects.filter(pk=ticket.pk, redeemed_at=None).update(redeemed_at=now))
