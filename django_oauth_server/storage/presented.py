"""What may be presented once: assertions of clients, and proofs."""

from __future__ import annotations

import json
from datetime import datetime

from django.db import IntegrityError
from django.db.models import QuerySet

from django_oauth_server.models import Client
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.storage.clients import as_remembered, forget_client
from django_oauth_server.storage.transaction import Conflict, atomic, once
from django_oauth_server.storage.writing import Insertion

_insertion = Insertion(UsedAssertion)


def use_assertion(client: Client, jti: str, expires_at: datetime) -> bool:
    """Note that *client* presented *jti*. False where it did before: in a request that is done anew, that was not before.

    Raises `Conflict`, and notes nothing, where *client* is remembered otherwise than it is: what it may not do any more uses up nothing.
    """
    row = _row((client.issuer, client.client_id, jti), expires_at)
    return once(f"assertion:{row.digest}", lambda: _noted_apart(row, client))


def spend(*of: str, expires_at: datetime) -> bool:
    """Note, in the caller's transaction, that what *of* names was presented. False where it was before: the caller has to undo its transaction.

    A request that is done anew notes it anew, as what it had written is undone; one that is refused leaves nothing behind.
    """
    try:
        _row(of, expires_at).save(force_insert=True)
    except IntegrityError:  # no conflict to do anew: somebody was first
        return False
    return True


def expired_assertions(expired: datetime) -> QuerySet[UsedAssertion]:
    """Those whose lifetime ended by then: they would be refused for that alone."""
    return UsedAssertion.objects.filter(expires_at__lte=expired)


def _row(of: tuple[str, ...], expires_at: datetime) -> UsedAssertion:
    return UsedAssertion(digest=digest(json.dumps(of)), expires_at=expires_at)


def _noted_apart(row: UsedAssertion, client: Client) -> bool:
    try:
        with atomic():
            noted = _insertion.write([row], provided=as_remembered(client))
    except IntegrityError:
        return False
    if not noted:
        forget_client(client)
        raise Conflict
    return True
