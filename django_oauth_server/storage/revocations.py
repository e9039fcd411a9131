"""Revocations that reach JWTs: written with what they end, each mark once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Max, Q
from django.db.models.signals import post_delete, post_save, pre_delete
from django.utils import timezone

from django_oauth_server.conf.loader import load
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.resource.revocations import (
    authorization_mark,
    client_mark,
    former_authorization_mark,
    former_client_mark,
)
from django_oauth_server.storage.announcements import announce_all, shared_caches
from django_oauth_server.storage.batches import AT_ONCE, batches
from django_oauth_server.storage.lifetimes import longest_token_lifetime
from django_oauth_server.storage.people import was_shut_out
from django_oauth_server.storage.revoked import look_again
from django_oauth_server.storage.transaction import after_commit, database, in_transaction

_MARGIN: Final = timedelta(minutes=1)
"""For a token that is being issued while what it hangs on is revoked, and for clocks that differ."""


def record_tokens(ended: Mapping[str, datetime]) -> None:
    """Write down, in the caller's transaction, that the JWTs of these digests are good no more, until each has expired."""
    _write(ended)


def record_authorizations(authorizations: Iterable[Authorization]) -> None:
    """What came from *authorizations* is good no more."""
    marks = [authorization_mark(str(one.grant_id)) for one in authorizations]
    if marks:
        _write(dict.fromkeys(marks, _end_of_what_is_issued_now()))


def record_clients(clients: Iterable[Client]) -> None:
    """What *clients* hold is good no more."""
    _renew(_marks_of_clients(clients))


def record_former_tokens(clients: Iterable[Client]) -> None:
    """What *clients* were given until now is good no more; what they are given from now on is."""
    marks = [former_client_mark(client.issuer, client.client_id) for client in clients]
    _renew(marks, issued_before=timezone.now())


def restore_clients(clients: Iterable[Client]) -> None:
    """What *clients* hold is good again, as their opaque tokens are. Those who read have to see that, so the rows stay for a while."""
    now = timezone.now()
    # Earlier versions wrote down with the same mark what was issued before a client was deleted.
    withdrawn = Revocation.objects.filter(mark__in=_marks_of_clients(clients), issued_before=None, expires_at__gt=now)
    if withdrawn.update(expires_at=now, announced_at=None):
        _written()


def note_users() -> None:
    """Notice, from now on, users who are disabled, deleted or given another password."""
    post_save.connect(_user_saved, sender=get_user_model())
    pre_delete.connect(_user_deleted, sender=get_user_model())


def _write(marks: Mapping[str, datetime], issued_before: datetime | None = None) -> None:
    """Each of *marks*, with when it expires, in the order in which every writer inserts them: no two wait for each other."""
    rows = [
        Revocation(mark=mark, once=mark, issued_before=issued_before, expires_at=marks[mark]) for mark in sorted(marks)
    ]
    if rows:
        Revocation.objects.bulk_create(rows, batch_size=AT_ONCE, ignore_conflicts=True)
        _written()


def _renew(marks: Collection[str], issued_before: datetime | None = None) -> None:
    """Each of *marks*, from now on. One that is there already, and says less, says this."""
    if not marks:
        return
    expires_at, known = _end_of_what_is_issued_now(issued_before), sorted(marks)
    _write(dict.fromkeys(known, expires_at), issued_before)
    less = Q(issued_before__lt=issued_before) if issued_before else Q(expires_at__lt=expires_at - _MARGIN)
    for some in batches(known):
        Revocation.objects.filter(less, once__in=some).update(
            issued_before=issued_before, expires_at=expires_at, announced_at=None
        )


def _written() -> None:
    """The transaction that revokes sees what it wrote; all others once it is committed."""
    look_again()
    after_commit(_tell)


def _tell() -> None:
    look_again()
    if shared_caches():
        announce_all()


def _marks_of_clients(clients: Iterable[Client]) -> list[str]:
    return [client_mark(client.issuer, client.client_id) for client in clients]


def _end_of_what_is_issued_now(issued_before: datetime | None = None) -> datetime:
    """When the last access token that any issuer hands out just now, or until *issued_before*, is dead."""
    return (issued_before or timezone.now()) + longest_token_lifetime(*load()) + _MARGIN


def _client_saved(instance: Client, created: bool, update_fields: Collection[str] | None = None, **_: object) -> None:
    if update_fields is not None and "is_active" not in update_fields:
        return
    if not instance.is_active:
        record_clients([instance])
    elif created:
        _tell_from_its_predecessor(instance)
    else:
        restore_clients([instance])


def _client_deleted(instance: Client, **_: object) -> None:
    """What it held is good no more, nor what it is given until nobody remembers it; what another client of this id is given later is."""
    forgotten = timezone.now() + max(one.client_cache_lifetime for one in load()) + _MARGIN
    _renew([former_client_mark(instance.issuer, instance.client_id)], issued_before=forgotten)
    restore_clients([instance])


def _tell_from_its_predecessor(client: Client) -> None:
    """A client of this id may have been deleted a moment ago. In its last second too: of that, `iat` knows no parts."""
    mark, before = former_client_mark(client.issuer, client.client_id), timezone.now() - timedelta(seconds=1)
    if Revocation.objects.filter(once=mark, issued_before__gt=before).update(issued_before=before, announced_at=None):
        _written()


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
    found = _ended_with(instance)
    marks = _unsaid(found)
    _renew(marks, issued_before=timezone.now())
    if in_transaction():
        after_commit(lambda: _renew({*marks, *_recorded_since(found, instance)}, issued_before=timezone.now()))


def end_if_shut_out(authorization: Authorization, *, password_change_revokes: bool) -> None:
    """End what was issued from *authorization*, which is new and committed now, if its person was shut out before that: whoever did it could tell
    only of the authorizations that were there. Nobody is missed, as they look once more when they are committed."""
    there = Authorization.objects.using(database()).select_related("client", "user").filter(pk=authorization.pk)
    if any(one.ended_by(password_change_revokes=password_change_revokes) for one in there):
        _renew([_former_mark(authorization)], issued_before=timezone.now())


def _user_deleted(instance: AbstractBaseUser, **_: object) -> None:
    record_authorizations(_live(instance))


def _ended_with(user: AbstractBaseUser) -> list[Authorization]:
    """What is good no more, as *user* was shut out."""
    return [one for one in _live(user) if not user.is_active or (one.password_changed and _counts(one))]


def _unsaid(authorizations: Collection[Authorization]) -> list[str]:
    """The marks of what was issued from *authorizations* until now. A person who is saved again was shut out already."""
    marks = {_former_mark(one): one.pk for one in authorizations}
    said = dict(Revocation.objects.filter(once__in=marks).values_list("once", "issued_before")) if marks else {}
    issued = Token.objects.filter(authorization__in=authorizations).values("authorization")
    last = dict(issued.values_list("authorization", Max("issued_at"))) if said else {}
    return [mark for mark, pk in marks.items() if mark not in said or (pk in last and last[pk] > said[mark])]


def _recorded_since(found: Collection[Authorization], user: AbstractBaseUser) -> list[str]:
    """The marks of what *user* had allowed beside the transaction, before others could see that they were shut out."""
    known = {one.pk for one in found}
    return [_former_mark(one) for one in _ended_with(user) if one.pk not in known]


def _former_mark(authorization: Authorization) -> str:
    return former_authorization_mark(str(authorization.grant_id))


def _live(user: AbstractBaseUser) -> list[Authorization]:
    live = Authorization.objects.using(database()).filter(user=user.pk, is_live=True)  # no key: deleted since
    found = list(live.select_related("client"))
    for authorization in found:
        authorization.user = user  # type: ignore[assignment]
    return found


def _counts(authorization: Authorization) -> bool:
    """Whether a changed password ends it, as its issuer has it."""
    return any(one.password_change_revokes for one in load() if one.issuer == authorization.client.issuer)


post_save.connect(_client_saved, sender=Client)
post_delete.connect(_client_deleted, sender=Client)
