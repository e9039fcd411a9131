"""Signing keys: stored, found, promoted, retired, removed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from django_oauth_server.models import SigningKey


def signing_keys(issuer: str) -> list[SigningKey]:
    """All of this issuer, the one that signs last first."""
    return list(SigningKey.objects.filter(issuer=issuer).order_by("-signs_from", "-pk"))


def issuers_with_keys() -> list[str]:
    """The issuers that have keys in this database, by their identifiers."""
    return sorted(SigningKey.objects.values_list("issuer", flat=True).distinct().order_by())


def add_signing_keys(keys: Iterable[SigningKey]) -> None:
    """In one statement: nobody sees some of them and takes the others for missing."""
    SigningKey.objects.bulk_create(keys)


def promote(key: SigningKey, now: datetime) -> None:
    """Let it sign from *now*; one that has begun is left as it is."""
    SigningKey.objects.filter(pk=key.pk, signs_from__gt=now).update(signs_from=now)


def retire_before(key: SigningKey, until: datetime) -> None:
    """Let every older key of this algorithm be published no longer than *until*.

    Older is a total order, so that of two rotations at once neither retires the other's key and its own.
    """
    older = Q(signs_from__lt=key.signs_from) | Q(signs_from=key.signs_from, pk__lt=key.pk)
    SigningKey.objects.filter(older, issuer=key.issuer, alg=key.alg, expires_at=None).update(expires_at=until)


def reinstate(key: SigningKey) -> None:
    """No other key takes over from it: it is published without an end again."""
    SigningKey.objects.filter(pk=key.pk).update(expires_at=None)


def remove_signing_keys(keys: Iterable[SigningKey]) -> None:
    SigningKey.objects.filter(pk__in=[key.pk for key in keys]).delete()
