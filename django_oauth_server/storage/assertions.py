"""Assertions: each is accepted once."""

from __future__ import annotations

import json
from datetime import datetime

from django.db import IntegrityError
from django.db.models import QuerySet

from django_oauth_server.models import Client, UsedAssertion
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.storage.transaction import atomic, once


def use_assertion(client: Client, jti: str, expires_at: datetime) -> bool:
    """Note that *client* presented *jti*. False where it did before: in a request that is done anew, that was not before."""
    used = digest(json.dumps([client.issuer, client.client_id, jti]))
    return once(f"assertion:{used}", lambda: _insert(UsedAssertion(digest=used, expires_at=expires_at)))


def expired_assertions(expired: datetime) -> QuerySet[UsedAssertion]:
    """Those that could not be presented again anyway."""
    return UsedAssertion.objects.filter(expires_at__lte=expired)


def _insert(row: UsedAssertion) -> bool:
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError:  # no conflict to do anew: somebody was first
        return False
    return True
