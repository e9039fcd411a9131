"""The outbox of back-channel logout: written with what ended a session, claimed by one sender at a time, settled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django_oauth_server.models import Client, LogoutDelivery, Participation

WAITING, DELIVERED, FAILED = LogoutDelivery.State.WAITING, LogoutDelivery.State.DELIVERED, LogoutDelivery.State.FAILED


def add_deliveries(ended: Iterable[Participation], now: datetime) -> int:
    """Each is to be told; returns how many."""
    rows = [
        LogoutDelivery(client=one.client, sid=one.told_sid, person=str(one.user_id), due_at=now, created_at=now)
        for one in ended
    ]
    return len(LogoutDelivery.objects.bulk_create(rows))


def claim(now: datetime, lease: timedelta, most: int) -> list[LogoutDelivery]:
    """Some that are due, for this caller alone: others find them when *lease* is over, should it never come back. Who was never told comes first.

    A conditional statement for each: whoever moves `due_at` first has it.
    """
    due = LogoutDelivery.objects.filter(state=WAITING, due_at__lte=now).select_related("client")
    due = due.order_by("attempts", "due_at")
    return [one for one in due[:most] if _claim(one, now + lease)]


def _claim(one: LogoutDelivery, until: datetime) -> bool:
    unclaimed = LogoutDelivery.objects.filter(pk=one.pk, state=WAITING, due_at=one.due_at)
    one.due_at, one.attempts = until, one.attempts + 1
    return bool(unclaimed.update(due_at=one.due_at, attempts=one.attempts))


def settle(one: LogoutDelivery, state: LogoutDelivery.State, reason: str, now: datetime) -> None:
    """It was delivered, or never will be. What another sender has taken over meanwhile is left to them."""
    _mine(one).update(state=state, reason=reason, finished_at=now)


def put_off(one: LogoutDelivery, reason: str, due_at: datetime) -> None:
    """It is tried again at *due_at*."""
    _mine(one).update(reason=reason, due_at=due_at)


def put_off_what_is_due(client: Client, now: datetime, due_at: datetime) -> None:
    """*client* does not answer: nobody waits for that once more for each of its sessions. No attempt is counted, and what is being sent is left."""
    LogoutDelivery.objects.filter(client=client, state=WAITING, due_at__lte=now).update(due_at=due_at)


def next_due() -> datetime | None:
    """When the next attempt is due; None where nobody waits."""
    waiting = LogoutDelivery.objects.filter(state=WAITING).order_by("due_at")
    return waiting.values_list("due_at", flat=True).first()


def try_again(deliveries: Iterable[LogoutDelivery], now: datetime) -> int:
    """Let those that failed or wait be sent at once, with all their attempts before them. Returns how many."""
    found = LogoutDelivery.objects.filter(pk__in=[one.pk for one in deliveries]).exclude(state=DELIVERED)
    return found.update(state=WAITING, due_at=now, attempts=0, reason="", finished_at=None)


def _mine(one: LogoutDelivery):  # type: ignore[no-untyped-def]
    return LogoutDelivery.objects.filter(pk=one.pk, state=WAITING, due_at=one.due_at)
