"""The outbox of back-channel logout: written with what ended a session, claimed by one sender at a time, settled.

A delivery waits until it is due. An address that failed is left alone besides, with all that waits for it: that is one row, however many wait.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from django_oauth_server.models import Client
from django_oauth_server.models.logout_back_off import LogoutBackOff
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.protocol.opaque import digest

WAITING, DELIVERED, FAILED = LogoutDelivery.State.WAITING, LogoutDelivery.State.DELIVERED, LogoutDelivery.State.FAILED

_LOOKED_AT = 8
"""Deliveries for each that is wanted: others may claim some first, and several may be for one client."""
_MOST_FAILURES = 1000
FINISHED_KEPT: Final = timedelta(days=30)
"""For administrators who look for what went wrong."""


def add_deliveries(ended: Iterable[Participation], now: datetime) -> int:
    """Each is to be told; returns how many."""
    rows = [
        LogoutDelivery(client=one.client, sid=one.told_sid, person=str(one.user_id), due_at=now, created_at=now)
        for one in ended
    ]
    return len(LogoutDelivery.objects.bulk_create(rows))


def claim(
    now: datetime, lease: timedelta, most: int, *, busy: Collection[int] = (), failed: bool = False
) -> list[LogoutDelivery]:
    """Some that are due, for this caller alone: others find them when *lease* is over, should it never come back.

    One for each client at most, and none for those that are *busy*, so that no client waits for another. Either for clients whose address *failed*
    when it was last asked and may be asked again, or for all others. A conditional statement for each: whoever moves `due_at` first has it.
    """
    due = LogoutDelivery.objects.filter(state=WAITING, due_at__lte=now).exclude(client_id__in=busy)
    failing = LogoutBackOff.objects.values_list("client_id")
    due = due.filter(client_id__in=failing.filter(resume_at__lte=now)) if failed else due.exclude(client_id__in=failing)
    claimed: dict[int, LogoutDelivery] = {}
    for one in due.select_related("client").order_by("due_at")[: most * _LOOKED_AT]:
        if len(claimed) < most and one.client_id not in claimed and _claim(one, now + lease):
            claimed[one.client_id] = one
    return list(claimed.values())


def back_off(client: Client, now: datetime, pause: Callable[[int], timedelta]) -> datetime:
    """Leave *client*'s address alone, for as long as *pause* says of its failures in a row. Returns until when."""
    address = _address(client)
    known = LogoutBackOff.objects.filter(client=client).first()
    failures = min(known.failures + 1, _MOST_FAILURES) if known and known.address == address else 1
    resume_at = now + pause(failures)
    told = {"address": address, "failures": failures, "resume_at": resume_at}
    if not LogoutBackOff.objects.filter(client=client).update(**told):
        LogoutBackOff.objects.bulk_create([LogoutBackOff(client=client, **told)], ignore_conflicts=True)
    return resume_at


def resume(client: Client) -> None:
    """*client*'s address answers: nothing that waits for it is kept waiting."""
    LogoutBackOff.objects.filter(client=client).delete()


def resume_if_moved(client: Client) -> None:
    """*client* was changed. If it has another address now, that one has not failed."""
    LogoutBackOff.objects.filter(client=client).exclude(address=_address(client)).delete()


def give_up(client: Client, before: datetime, reason: str, now: datetime) -> int:
    """What ended *before*, and *client* could not be told of, is not worth telling any more. Returns how many."""
    waiting = LogoutDelivery.objects.filter(client=client, state=WAITING, due_at__lte=now)
    late = waiting.filter(Q(retried_at=None, created_at__lt=before) | Q(retried_at__lt=before))
    return late.update(state=FAILED, reason=reason, finished_at=now)


def settle(one: LogoutDelivery, state: LogoutDelivery.State, reason: str, now: datetime) -> None:
    """It was delivered, or never will be. What another sender has taken over meanwhile is left to them."""
    _mine(one).update(state=state, reason=reason, finished_at=now)


def put_off(one: LogoutDelivery, reason: str, due_at: datetime) -> None:
    """It is tried again at *due_at*."""
    _mine(one).update(reason=reason, due_at=due_at)


def with_next_attempt(deliveries: QuerySet[LogoutDelivery]) -> QuerySet[LogoutDelivery]:
    """*deliveries*, each with `resume_at`: until when its address is left alone; None where it is not."""
    paused = LogoutBackOff.objects.filter(client=OuterRef("client"))
    return deliveries.annotate(resume_at=Subquery(paused.values("resume_at")))


def next_due(now: datetime) -> datetime | None:
    """When the next attempt is due; None where nobody waits."""
    waiting, paused = LogoutDelivery.objects.filter(state=WAITING), LogoutBackOff.objects.filter(resume_at__gt=now)
    unpaused = waiting.exclude(client_id__in=paused.values_list("client_id"))
    awaited = paused.filter(client_id__in=waiting.values_list("client_id"))
    first = unpaused.order_by("due_at").values_list("due_at", flat=True)[:1]
    return min(chain(first, awaited.order_by("resume_at").values_list("resume_at", flat=True)[:1]), default=None)


def finished_deliveries(now: datetime) -> QuerySet[LogoutDelivery]:
    """Those that no administrator looks for any more."""
    return LogoutDelivery.objects.filter(finished_at__lte=now - FINISHED_KEPT)


def try_again(deliveries: Iterable[LogoutDelivery], now: datetime) -> int:
    """Let those that failed or wait be sent at once, with all their attempts before them. Returns how many."""
    wanted = list(deliveries)
    LogoutBackOff.objects.filter(client_id__in={one.client_id for one in wanted}).delete()
    found = LogoutDelivery.objects.filter(pk__in=[one.pk for one in wanted]).exclude(state=DELIVERED)
    return found.update(state=WAITING, due_at=now, retried_at=now, attempts=0, reason="", finished_at=None)


def _address(client: Client) -> str:
    return digest(client.backchannel_logout_uri)


def _claim(one: LogoutDelivery, until: datetime) -> bool:
    unclaimed = LogoutDelivery.objects.filter(pk=one.pk, state=WAITING, due_at=one.due_at)
    one.due_at, one.attempts = until, one.attempts + 1
    return bool(unclaimed.update(due_at=one.due_at, attempts=one.attempts))


def _mine(one: LogoutDelivery):  # type: ignore[no-untyped-def]
    return LogoutDelivery.objects.filter(pk=one.pk, state=WAITING, due_at=one.due_at)
