"""Subjects of issuers elsewhere, and the users who they are here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from django_oauth_server.models import Authorization
from django_oauth_server.models.authorization import VOUCHED_BY, digest_of_facts
from django_oauth_server.models.linked_identity import LinkedIdentity, digest_of_identity
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.transaction import after_commit, atomic, database

_SEVERAL: Final = 2
"""Users with one address are too many."""
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def facts_of(issuer: str) -> Mapping[str, object]:
    """What is settled of an authorization that *issuer* vouches for: it is another than one that the person gave."""
    return {VOUCHED_BY: issuer}


def find_identity(issuer: str, tenant: str, subject: str) -> LinkedIdentity | None:
    """That *subject* of *issuer* is linked, with the user, whatever its state."""
    found = LinkedIdentity.objects.select_related("user").filter(digest=digest_of_identity(issuer, tenant, subject))
    return next(iter(found), None)


def link(
    user: AbstractBaseUser, issuer: str, tenant: str, subject: str, now: datetime, *, by_email: bool = False
) -> LinkedIdentity:
    """Store that *subject* is *user*. Raises IntegrityError where it was linked meanwhile, or another subject by the same email address."""
    return LinkedIdentity.objects.create(
        digest=digest_of_identity(issuer, tenant, subject),
        issuer=issuer,
        tenant=tenant,
        subject=subject,
        user=user,  # type: ignore[misc]
        is_by_email=by_email or None,
        created_at=now,
    )


def users_with_email(address: str) -> list[AbstractBaseUser]:
    """The active users whose address this is: none, the only one, or two of several."""
    name = get_user_model().get_email_field_name()
    alike = get_user_model()._default_manager.filter(**{f"{name}__iexact": address}).iterator()
    return list(islice((one for one in alike if one.is_active and _same(getattr(one, name), address)), _SEVERAL))


def has_email() -> bool:
    """Whether users have an address that the database can be asked for."""
    name = get_user_model().get_email_field_name()
    return name in {field.name for field in get_user_model()._meta.get_fields()}


def is_linked(user: AbstractBaseUser, issuer: str, tenant: str) -> bool:
    """Whether some subject of *issuer* is *user*."""
    found = LinkedIdentity.objects.filter(user=user, issuer=issuer, tenant=tenant)  # type: ignore[misc]
    return found.exists()


def unlink(identities: Iterable[LinkedIdentity], now: datetime) -> int:
    """Remove *identities*, and end what their issuers allowed apps for these users. Returns how many authorizations that were.

    What an assertion allows meanwhile is ended once more when they are gone; and by `end_if_unlinked` where it is committed later still.
    """
    rows = list(identities)
    with atomic():
        LinkedIdentity.objects.filter(pk__in=[one.pk for one in rows]).delete()
        after_commit(partial(_end, rows, now))
        return _end(rows, now)


def end_if_unlinked(identity: LinkedIdentity, authorization: Authorization, now: datetime) -> None:
    """End *authorization*, now that it is committed, if *identity*, by which it was allowed, was removed before that."""
    if not LinkedIdentity.objects.using(database()).filter(pk=identity.pk).exists():
        revoke_authorizations([authorization], now)


def _end(identities: Iterable[LinkedIdentity], now: datetime) -> int:
    return sum(revoke_authorizations(_vouched_for(one).select_related("client", "user"), now) for one in identities)


def count_vouched_for(identity: LinkedIdentity) -> int:
    """How many authorizations end with *identity*."""
    return _vouched_for(identity).count()


def _vouched_for(identity: LinkedIdentity) -> QuerySet[Authorization]:
    facts_digest = digest_of_facts(facts_of(identity.issuer))
    return Authorization.objects.filter(user_id=identity.user_id, is_live=True, facts_digest=facts_digest)


def _same(one: str, other: str) -> bool:
    """Whether two addresses are the same but for the case of A to Z. Databases and Unicode take more for the same, such as `ſam@example.com` and
    `sam@example.com`, which are two mailboxes."""
    return one.translate(_LOWER) == other.translate(_LOWER)
