"""Requests that wait while a person is at another page. Anybody can make one, so that their number is bounded: the oldest go first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from django_oauth_server.models.waiting_request import WaitingRequest
from django_oauth_server.protocol.opaque import digest

MOST: Final = 10_000
"""Rows. Primary keys ascend, so that the row that is one too many is known without counting."""


def keep_waiting(value: str, payload: Mapping[str, object], expires_at: datetime) -> None:
    """Keep *payload* until *expires_at*, for who says *value*, which is not stored."""
    row = WaitingRequest(digest=digest(value), payload=dict(payload), expires_at=expires_at)
    row.save(force_insert=True)
    WaitingRequest.objects.filter(pk__lte=row.pk - MOST).delete()


def find_waiting(value: str, now: datetime) -> Mapping[str, object] | None:
    """What is kept for *value*."""
    row = WaitingRequest.objects.filter(digest=digest(value), expires_at__gt=now).first()
    return row.payload if row else None


def expired_requests(expired: datetime) -> QuerySet[WaitingRequest]:
    """Those that nobody came back for."""
    return WaitingRequest.objects.filter(expires_at__lte=expired)


def forget_waiting(values: Iterable[str]) -> None:
    """Nothing waits for *values* any more."""
    WaitingRequest.objects.filter(digest__in=[digest(value) for value in values]).delete()
