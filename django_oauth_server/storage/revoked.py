"""What was revoked, as this process knows it: read again every few seconds, by one thread, and only what is new."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from django.db import Error
from django.db.models import Q
from django.utils import timezone

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.resource.revocations import Marked, is_announced
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage.announcements import announce_soon, is_all_announced, is_overdue
from django_oauth_server.storage.transaction import PATIENCE, after_commit

_OVERLAP: Final = timedelta(minutes=1)
"""How far the clocks of those who announce and of those who read may differ."""
_REMEMBERED: Final = timedelta(minutes=10)
"""Whoever has not read for so long reads all anew. Shorter than a revocation that was withdrawn is kept."""
_FEW: Final = 1024


class _Entry(NamedTuple):
    """What one row says."""

    before: datetime | None
    until: datetime

    def means(self, token: Marked, now: datetime) -> bool:
        return now < self.until and token.is_meant(self.before.timestamp() if self.before else None)


class _Memory:
    """What this process has read.

    Rows that are not announced yet are read each time: they may belong to a transaction of this thread, which can still be undone. Of the others,
    only those are read that were announced since the last time: whatever is announced is committed, so none becomes visible later.
    """

    def __init__(self) -> None:
        self.turn: Final = Lock()
        self.read_at = float("-inf")
        self.overdue = False
        """Whether something of what was read should have been announced long ago."""
        self._moment: datetime | None = None
        self._announced: dict[str, _Entry] = {}
        self._unannounced: dict[str, _Entry] = {}
        self._most = _FEW

    def means(self, token: Marked) -> bool:
        """Whether what was read says that *token* was revoked."""
        unannounced, announced = self._unannounced, self._announced
        if unannounced.keys().isdisjoint(token.marks) and announced.keys().isdisjoint(token.marks):
            return False
        now = timezone.now()
        known = (unannounced.get(mark) or announced.get(mark) for mark in token.marks)
        return any(entry is not None and entry.means(token, now) for entry in known)

    def read(self) -> None:
        """Read what is new."""
        began, now = monotonic(), timezone.now()  # what is written from now on is found the next time
        since = self._moment if self._moment and abs(now - self._moment) < _REMEMBERED else None
        news = _news(since, now)
        if since and not self._unannounced.keys() <= {mark for mark, *_ in news}:
            # Undone; or announced at a moment that is long past, by a clock that is behind, or because the statement had to wait.
            since, news = None, _news(None, now)
        announced: dict[str, _Entry] = self._announced if since else {}
        unannounced: dict[str, _Entry] = {}
        overdue = False
        for mark, once, before, until, created_at, announced_at in news:
            entry, into = _Entry(before, until), announced
            if announced_at is None:
                into, overdue = unannounced, overdue or is_overdue(created_at, now)
            into[mark] = entry if once else _stronger(entry, into.get(mark))
        self._announced, self._unannounced = self._pruned(announced, now), unannounced
        self._moment, self.read_at, self.overdue = now, began, overdue

    def forget(self) -> None:
        """Let go of everything."""
        self.read_at, self._moment = float("-inf"), None

    def _pruned(self, entries: dict[str, _Entry], now: datetime) -> dict[str, _Entry]:
        """*entries*, from time to time without those that have expired."""
        if len(entries) <= self._most:
            return entries
        living = {mark: entry for mark, entry in entries.items() if entry.until > now}
        self._most = max(2 * len(living), _FEW)
        return living


_memory: Final = _Memory()


def is_revoked(token: Marked, settings: IssuerSettings) -> bool:
    """Whether *token*, a JWT, was revoked: mostly without a statement, and with one where half a `revocation_delay` has passed in this process.

    Raises `CannotVerify` where the database does not answer in that time.
    """
    _keep_up(settings.revocation_delay.total_seconds())
    return _memory.means(token) or (bool(settings.revocation_cache) and is_announced(settings.revocation_cache, token))


def look_again() -> None:
    """What is new is read before anything else is judged."""
    _memory.read_at = float("-inf")


def forget() -> None:
    """Let go of all that this process knows."""
    _memory.forget()


def _keep_up(delay: float) -> None:
    """Half of *delay* after the last reading, one thread reads while the others go on; once *delay* has passed, they wait for it."""
    asked = monotonic()
    if _memory.read_at > asked - delay / 2:
        return
    must = _memory.read_at <= asked - delay
    try:
        _read_unless_since(asked - (delay if must else delay / 2), patience=PATIENCE if must else 0)
    except (Error, TimeoutError) as exc:
        if must:
            raise CannotVerify(f"the revocations cannot be read: {' '.join(str(exc).split())}") from exc
    else:
        if _memory.overdue or not is_all_announced():
            after_commit(announce_soon)


def _read_unless_since(moment: float, *, patience: float) -> None:
    """Read, unless somebody else did since *moment*."""
    if not _memory.turn.acquire(timeout=patience):
        raise TimeoutError
    try:
        if _memory.read_at <= moment:
            _memory.read()
    finally:
        _memory.turn.release()


_Row = tuple[str, str | None, datetime | None, datetime, datetime, datetime | None]


def _news(since: datetime | None, now: datetime) -> list[_Row]:
    """All that count, or those announced *since*, by one index: some databases would take that of what has not expired, which is nearly all."""
    fresh = Q(announced_at=None) | Q(announced_at__gt=since - _OVERLAP) if since else Q(expires_at__gt=now)
    found = Revocation.objects.filter(fresh)
    return list(found.values_list("mark", "once", "issued_before", "expires_at", "created_at", "announced_at"))


def _stronger(entry: _Entry, other: _Entry | None) -> _Entry:
    """Of rows that earlier versions wrote, the one that revokes more."""
    if other is None or entry.before is None:
        return entry
    return other if other.before is None or other.before > entry.before else entry
