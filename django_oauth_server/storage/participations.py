"""Which relying parties know of a session: noted once, found when it ends, and forgotten then."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from django_oauth_server.models import Client
from django_oauth_server.models.participation import Participation
from django_oauth_server.storage.clients import row_of

KEPT: Final = timedelta(days=90)
"""Longer than people stay signed in at one browser. Nobody says when a session expires."""


def note_participation(client: Client, user: AbstractBaseUser, sid: str, session_digest: str, now: datetime) -> None:
    """*client* is told of the session. One statement, whether or not it was told before."""
    row = Participation(client=row_of(client), user=user, sid=sid, session_digest=session_digest, created_at=now)  # type: ignore[misc]
    Participation.objects.bulk_create([row], ignore_conflicts=True)


def of_session(sid: str) -> QuerySet[Participation]:
    """Those of one sign-in session."""
    return Participation.objects.filter(sid=sid)


def of_django_session(session_digest: str) -> QuerySet[Participation]:
    """Those of the session whose key in Django has this digest."""
    return Participation.objects.filter(session_digest=session_digest)


def of_person(user: AbstractBaseUser) -> QuerySet[Participation]:
    """Those of all of *user*'s sessions."""
    return Participation.objects.filter(user=user)  # type: ignore[misc]


def of_these(participations: Iterable[Participation]) -> QuerySet[Participation]:
    """These, as far as they have not ended meanwhile."""
    return Participation.objects.filter(pk__in=[one.pk for one in participations])


def old_participations(now: datetime) -> QuerySet[Participation]:
    """Those of sessions that nobody has any more."""
    return Participation.objects.filter(created_at__lte=now - KEPT)


def take_out(found: QuerySet[Participation]) -> list[Participation]:
    """*found*, with their clients; from now on nobody finds them. Two who look at once may both: a relying party is told twice, which is harmless."""
    ended = list(found.select_related("client"))
    if ended:
        _forget([one.pk for one in ended])
    return ended


def _forget(pks: Collection[int]) -> None:
    Participation.objects.filter(pk__in=pks).delete()
