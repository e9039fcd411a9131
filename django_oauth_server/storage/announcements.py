"""Revocations, as all who share a cache are told of them: once what revokes is committed, and later where a cache was away then.

A row knows whether it was announced, so that whoever notices first can do it: this process at the end of a later request, another one that reads
what is new, the next revocation, `cleartokens`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.core.signals import request_finished
from django.db import Error
from django.utils import timezone

from django_oauth_server.conf.loader import load
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.occasionally import Occasionally
from django_oauth_server.resource.revocations import announce, complete, is_complete, keeps, withdraw
from django_oauth_server.storage.database_errors import is_conflict
from django_oauth_server.storage.transaction import atomic

WITHDRAWN_KEPT: Final = timedelta(hours=1)
"""How long whoever reads may take to notice that a revocation was withdrawn."""
_AT_ONCE: Final = 1000
_REST: Final = 1.0
"""Seconds for which a cache that is away is left alone."""
_DUE: Final = timedelta(seconds=10)
"""By then, whoever revoked has announced it, or died."""

logger = get_log("django_oauth_server")


class _Debt:
    """What this process could not announce."""

    owed = False
    not_before = float("-inf")


_debt: Final = _Debt()
_may_tell: Final = Occasionally(timedelta(minutes=1))


def shared_caches() -> set[str]:
    """The caches that tell of revocations."""
    return {one.revocation_cache for one in load() if one.revocation_cache}


def is_overdue(created_at: datetime, now: datetime) -> bool:
    """Whether what was written then should have been announced by now."""
    return created_at < now - _DUE


def announce_all() -> None:
    """Tell every cache of what it was not told yet, and one that has lost its memory of everything. What cannot be told now is told later."""
    _debt.owed, _debt.not_before = True, monotonic() + _REST
    empty = [cache for cache in shared_caches() if not is_complete(cache)]
    if not all(map(keeps, empty)):
        return
    try:
        if empty:
            Revocation.objects.filter(expires_at__gt=timezone.now()).update(announced_at=None)
        _debt.owed = not all(_announced(rows) for rows in _waiting())
        for cache in () if _debt.owed else empty:
            complete(cache)
    except Error as exc:
        if not is_conflict(exc) and _may_tell():  # another process announces the same, and may have been first
            logger.exception("Pending revocations cannot be read.")


def announce_soon() -> None:
    """The same, unless that was tried a moment ago."""
    if monotonic() >= _debt.not_before:
        announce_all()


def is_all_announced() -> bool:
    """Whether no cache has lost its memory, so that it has to be told again."""
    return all(map(is_complete, shared_caches()))


def forget() -> None:
    """Owe nothing, as a process that has just begun."""
    _debt.owed, _debt.not_before = False, float("-inf")


def _waiting() -> Iterator[list[Revocation]]:
    last, since = 0, timezone.now() - WITHDRAWN_KEPT
    waiting = Revocation.objects.filter(announced_at=None, expires_at__gt=since).order_by("pk")
    while rows := list(waiting.filter(pk__gt=last)[:_AT_ONCE]):
        last = rows[-1].pk
        yield rows


def _announced(rows: Sequence[Revocation]) -> bool:
    if not all(_told(cache, rows) for cache in shared_caches()):
        return False
    _note(rows)
    return True


def _told(cache: str, rows: Sequence[Revocation]) -> bool:
    now = timezone.now()
    revoked = {
        row.mark: row.issued_before.timestamp() if row.issued_before else None for row in rows if row.expires_at > now
    }
    lifetime = max(row.expires_at for row in rows) - now
    return announce(cache, revoked, lifetime) and withdraw(cache, [row.mark for row in rows if row.expires_at <= now])


def _note(rows: Sequence[Revocation]) -> None:
    """All are announced, but for those that say something else by now: their writer may have announced that before we announced this."""
    with atomic():
        pks = [row.pk for row in rows]
        Revocation.objects.filter(pk__in=pks, announced_at=None).update(announced_at=timezone.now())
        now_says = {row.pk: _says(row) for row in Revocation.objects.filter(pk__in=pks)}
        changed = [row.pk for row in rows if now_says.get(row.pk, _says(row)) != _says(row)]
        if changed:
            Revocation.objects.filter(pk__in=changed).update(announced_at=None)


def _says(row: Revocation) -> tuple[datetime | None, datetime]:
    return row.issued_before, row.expires_at


def _at_the_end_of_a_request(**_: object) -> None:
    if _debt.owed:
        announce_soon()


request_finished.connect(_at_the_end_of_a_request, dispatch_uid="oauth_server.announce_revocations")
