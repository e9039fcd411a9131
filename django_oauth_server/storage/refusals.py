"""Refusals, kept for a while. Anybody can be refused as often as they like, so what that writes is bounded, and so is what is left of it.

What is beyond the rate or a share is in the log all the same.
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import Final

from django.db import Error
from django.db.models import QuerySet

from django_oauth_server.conf.rates import Rate
from django_oauth_server.models import Client
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.protocol.log import get_log
from django_oauth_server.storage.clients import stored_client
from django_oauth_server.storage.database_errors import is_conflict
from django_oauth_server.storage.failures import Counts, Limit
from django_oauth_server.storage.newest import keep_newest

OF_EACH_CLIENT: Final = 100
"""About how many rows one client can have. Those of no known client share as many."""
MOST: Final = 10_000
"""About how many rows there can be. The oldest go first."""
FROM_ONE_ADDRESS: Final = Rate(10, 60)
FOR_ONE_CLIENT: Final = Rate(20, 60)
OF_ONE_PROCESS: Final = Rate(60, 60)
_TRIMMED_EACH: Final = 17
"""How many are stored before it is looked whether there are too many. A prime, so that callers who take turns all have theirs."""
_REST: Final = 30.0
"""Seconds for which a database that does not answer is left alone: nobody waits for it to be refused."""

logger = get_log("django_oauth_server")


class _Process:
    """What this process stored of late. Others count for themselves: to be refused asks no cache either."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self.counts = Counts()
        self.stored = 0
        self.not_before = float("-inf")

    def is_too_much(self, refusal: Refusal, address: str) -> bool:
        limits = (
            Limit(FROM_ONE_ADDRESS, (refusal.issuer, "address", address)),
            Limit(FOR_ONE_CLIENT, (refusal.issuer, "client", refusal.client_id)),
            Limit(OF_ONE_PROCESS, ("process",)),
        )
        return any(self.counts.count(one.key(refusal.refused_at)) > one.rate.count for one in limits)


_process: Final = _Process()


def forget() -> None:
    """Begin to count anew, as a process that has just begun."""
    _process.begin_anew()


def keep(refusal: Refusal, address: str) -> None:
    """Store *refusal* of somebody at *address*, unless that would be too much. Never raises: the refusal itself is what has to be told."""
    if _process.is_too_much(refusal, address) or monotonic() < _process.not_before:
        return
    try:
        refusal.save(force_insert=True)
        _process.stored += 1
        if _process.stored % _TRIMMED_EACH == 0:
            keep_newest(_of(refusal.issuer, refusal.client_id), OF_EACH_CLIENT)
            keep_newest(Refusal.objects.all(), MOST)
    except Error as exc:
        if not is_conflict(exc):  # whoever is in the way of one refusal is gone by the next
            _process.not_before = monotonic() + _REST
            logger.exception("A refusal cannot be stored for the admin.")


def refusals_of(client: Client, most: int) -> list[Refusal]:
    """The newest of *client*. Some databases find those of an id in another case as well; they are others."""
    newest = _of(client.issuer, client.client_id).order_by("-pk")[:most]
    return [one for one in newest if one.client_id == client.client_id]


def client_of(refusal: Refusal) -> Client | None:
    """The client that was refused, where there is one."""
    return stored_client(refusal.issuer, refusal.client_id)


def expired_refusals(expired: datetime) -> QuerySet[Refusal]:
    """Those that nobody asks about any more."""
    return Refusal.objects.filter(expires_at__lte=expired)


def _of(issuer: str, client_id: str) -> QuerySet[Refusal]:
    return Refusal.objects.filter(issuer=issuer, client_id=client_id)
