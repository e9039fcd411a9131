"""Revocations that reach JWTs: written with what they end, read by each process every few seconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.db.models.signals import post_delete, post_save, pre_delete
from django.utils import timezone

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import load
from django_oauth_server.models import Authorization, Client, Revocation
from django_oauth_server.resource.revocations import (
    announce,
    authorization_mark,
    client_mark,
    covers,
    is_announced,
    marks_of,
    withdraw,
)
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage.lifetimes import longest_token_lifetime
from django_oauth_server.storage.people import was_shut_out
from django_oauth_server.storage.transaction import after_commit

_MARGIN: Final = timedelta(minutes=1)
"""For a token that is being issued while what it hangs on is revoked, and for clocks that differ."""


@dataclass(slots=True)
class _Snapshot:
    """What this process knows."""

    read_at: float = float("-inf")
    revoked: Mapping[str, float | None] = field(default_factory=dict)


_snapshot = _Snapshot()
_lock: Final = Lock()


def is_revoked(claims: Mapping[str, object], settings: IssuerSettings) -> bool:
    """Whether the JWT of *claims* was revoked: no statement, but one every `revocation_delay` in each process.

    Raises `CannotVerify` where the database does not answer then.
    """
    revoked = _known(settings.revocation_delay)
    if any(mark in revoked and covers(revoked[mark], claims) for mark in marks_of(claims)):
        return True
    return bool(settings.revocation_cache) and is_announced(settings.revocation_cache, claims)


def record(marks: Collection[str], expires_at: datetime, *, issued_before: datetime | None = None) -> None:
    """Write down, in the caller's transaction, that what carries one of *marks* is good no more; tell everybody once that is committed."""
    Revocation.objects.bulk_create(
        Revocation(mark=mark, issued_before=issued_before, expires_at=expires_at) for mark in marks
    )
    forget()  # the transaction that revokes sees what it wrote
    after_commit(partial(_tell, tuple(marks), expires_at, issued_before))


def record_authorizations(authorizations: Iterable[Authorization], *, issued_before: datetime | None = None) -> None:
    """What came from *authorizations* is good no more."""
    marks = [authorization_mark(str(authorization.grant_id)) for authorization in authorizations]
    if marks:
        record(marks, _end_of_what_is_issued_now(), issued_before=issued_before)


def record_clients(clients: Iterable[Client]) -> None:
    """What *clients* hold is good no more."""
    marks = _marks_of_clients(clients)
    if marks:
        record(marks, _end_of_what_is_issued_now())


def restore_clients(clients: Iterable[Client]) -> None:
    """What *clients* hold is good again, as their opaque tokens are."""
    marks = _marks_of_clients(clients)
    if Revocation.objects.filter(mark__in=marks).delete()[0]:
        forget()
        after_commit(partial(_withdraw, marks))


def forget() -> None:
    """Let go of what this process knows."""
    _snapshot.read_at = float("-inf")


def note_users() -> None:
    """Notice, from now on, users who are disabled, deleted or given another password."""
    post_save.connect(_user_saved, sender=get_user_model())
    pre_delete.connect(_user_deleted, sender=get_user_model())


def _known(delay: timedelta) -> Mapping[str, float | None]:
    if monotonic() - _snapshot.read_at < delay.total_seconds():
        return _snapshot.revoked
    with _lock:  # one thread reads, for all that wait
        if monotonic() - _snapshot.read_at >= delay.total_seconds():
            _read()
        return _snapshot.revoked


def _read() -> None:
    began = monotonic()  # before the rows are read, so that what is written meanwhile is found within the bound
    rows = Revocation.objects.filter(expires_at__gt=timezone.now()).values_list("mark", "issued_before")
    try:
        found = list(rows)
    except DatabaseError as exc:
        raise CannotVerify("the revocations cannot be read") from exc
    revoked: dict[str, float | None] = {}
    for mark, before in found:
        moment = before.timestamp() if before else None
        revoked[mark] = None if moment is None or revoked.get(mark, 0) is None else max(moment, revoked.get(mark) or 0)
    _snapshot.revoked, _snapshot.read_at = revoked, began


def _tell(marks: Collection[str], expires_at: datetime, issued_before: datetime | None) -> None:
    forget()
    before = issued_before.timestamp() if issued_before else None
    for cache in _caches():
        announce(cache, dict.fromkeys(marks, before), expires_at - timezone.now())


def _withdraw(marks: Collection[str]) -> None:
    forget()
    for cache in _caches():
        for mark in marks:
            withdraw(cache, mark)


def _caches() -> set[str]:
    return {one.revocation_cache for one in load() if one.revocation_cache}


def _marks_of_clients(clients: Iterable[Client]) -> list[str]:
    return [client_mark(client.issuer, client.client_id) for client in clients]


def _end_of_what_is_issued_now() -> datetime:
    """When the last access token that any issuer hands out just now is dead."""
    return timezone.now() + longest_token_lifetime(*load()) + _MARGIN


def _client_saved(instance: Client, created: bool, **_: object) -> None:
    if not instance.is_active:
        record_clients([instance])
    elif created:
        _tell_from_its_predecessor(instance)
    else:
        restore_clients([instance])


def _client_deleted(instance: Client, **_: object) -> None:
    """What it held is good no more, and what another client of this id is given later is."""
    marks = _marks_of_clients([instance])
    Revocation.objects.filter(mark__in=marks).delete()
    record(marks, _end_of_what_is_issued_now(), issued_before=timezone.now())


def _tell_from_its_predecessor(client: Client) -> None:
    """A client of this id may have been deleted in this very second, of which `iat` knows no parts."""
    marks, before = _marks_of_clients([client]), timezone.now() - timedelta(seconds=1)
    if Revocation.objects.filter(mark__in=marks, issued_before__gt=before).update(issued_before=before):
        forget()
        after_commit(partial(_tell, marks, _end_of_what_is_issued_now(), before))


def _user_saved(
    instance: AbstractBaseUser,
    created: bool,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **_: object,
) -> None:
    """Asks the database only where the user is disabled or was given a password just now."""
    if not was_shut_out(instance, created=created, raw=raw, update_fields=update_fields):
        return
    if not instance.is_active:
        record_authorizations(_live(instance), issued_before=timezone.now())
    else:
        record_authorizations(one for one in _live(instance) if one.password_changed and _counts(one))


def _user_deleted(instance: AbstractBaseUser, **_: object) -> None:
    record_authorizations(_live(instance))


def _live(user: AbstractBaseUser) -> list[Authorization]:
    found = list(Authorization.objects.filter(user=user, is_live=True).select_related("client"))  # type: ignore[misc]
    for authorization in found:
        authorization.user = user  # type: ignore[assignment]
    return found


def _counts(authorization: Authorization) -> bool:
    """Whether a changed password ends it, as its issuer has it."""
    return any(one.password_change_revokes for one in load() if one.issuer == authorization.client.issuer)


post_save.connect(_client_saved, sender=Client)
post_delete.connect(_client_deleted, sender=Client)
