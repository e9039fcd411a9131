"""Who still calls a former address. A process writes once a minute for each client and address, however often it calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cachetools import LRUCache
from django.db import Error as DatabaseError
from django.db.models import F, QuerySet

from django_oauth_server.models.former_call import FormerCall
from django_oauth_server.protocol.log import get_log
from django_oauth_server.storage.clients import stored_client

logger = get_log("django_oauth_server")

_EVERY: Final = timedelta(minutes=1)
_MOST: Final = 10_000
"""Of how many clients and addresses a process holds calls back."""

_Call = tuple[str, str, str]
"""An issuer, the name of an address, and a client id."""

_held: LRUCache[_Call, tuple[int, datetime]] = LRUCache(_MOST)
"""How many calls are not written yet, and when calls were written last."""
_lock: Final = Lock()


def note_call(issuer: str, address: str, client_id: str, now: datetime) -> None:
    """Count one call more. What could not be written is not worth a failed request."""
    call = (issuer, address, client_id)
    with _lock:
        calls, written = _held.get(call, (0, None))
        due = written is None or now - written >= _EVERY
        _held[call] = (0, now) if due else (calls + 1, written or now)
    if not due:
        return
    try:
        _write(issuer, address, client_id, calls + 1, now)
    except DatabaseError as exc:
        logger.warning("calls of a former address could not be counted: %s", exc)


def former_calls(issuer: str) -> QuerySet[FormerCall]:
    """Who has called which address, the last first."""
    return FormerCall.objects.filter(issuer=issuer).order_by("-last_at")


def _write(issuer: str, address: str, client_id: str, calls: int, now: datetime) -> None:
    if client_id and stored_client(issuer, client_id) is None:
        client_id = ""  # anybody can make one up
    row = FormerCall(issuer=issuer, address=address, client_id=client_id, calls=0, last_at=now)
    same = FormerCall.objects.filter(issuer=issuer, address=address, client_id=client_id)
    counted = {"calls": F("calls") + calls, "last_at": now}
    if not same.update(**counted):
        FormerCall.objects.bulk_create([row], ignore_conflicts=True)
        same.update(**counted)
