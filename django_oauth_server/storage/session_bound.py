"""What ends with a sign-in session: refresh tokens of OpenID requests without `offline_access`, and the codes that would buy them.

OpenID Connect Back-Channel Logout section 2.7. It says nothing of access tokens, which live out their short life; nor of requests without `openid`,
in which nobody signs in to the client.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django_oauth_server.conf.loader import load
from django_oauth_server.conf.openid import OFFLINE_ACCESS
from django_oauth_server.models import Ticket, Token
from django_oauth_server.storage.transaction import atomic

_Family = tuple[int | None, UUID | None]
"""The authorization, and the family of what came from it."""
Ended = Callable[[str, str], bool]
"""Whether a session ended, by the client and the `sid` that it was told."""


def end_with_sessions(users: Collection[Any], has_ended: Ended, now: datetime) -> None:
    """End what *users* gave in sessions that have ended: two statements where there is nothing.

    Codes first: one that is being redeemed has bought its tokens by the time it could be marked.
    """
    issuers = [one.issuer for one in load() if one.is_openid and one.sign_out_ends_refresh_tokens]
    if not issuers:
        return
    codes = dict(_bound_codes(users, issuers, has_ended, now))
    bought = {*codes.values(), *_bound_families(users, issuers, has_ended, now)}
    if bought:
        authorizations, families = zip(*bought, strict=True)
        with atomic():
            Ticket.objects.filter(pk__in=codes, redeemed_at=None).update(expires_at=now)
            of_families = Token.objects.filter(authorization__in=authorizations, family__in=families)
            refresh = of_families.filter(kind=Token.Kind.REFRESH, revoked_at=None)
            while refresh.update(revoked_at=now):  # one may be rotating
                pass


def _bound_codes(
    users: Collection[Any], issuers: Collection[str], has_ended: Ended, now: datetime
) -> Iterator[tuple[int, _Family]]:
    codes = Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE, redeemed_at=None, expires_at__gt=now)
    theirs = codes.filter(authorization__user__in=users, client__issuer__in=issuers)
    columns = theirs.values_list("pk", "authorization", "family", "payload", "client__client_id")
    for pk, authorization, family, payload, client_id in columns:
        if _is_bound(payload["scopes"], payload.get("facts", {}), client_id, has_ended):
            yield pk, (authorization, family)


def _bound_families(
    users: Collection[Any], issuers: Collection[str], has_ended: Ended, now: datetime
) -> Iterator[_Family]:
    living = Token.objects.filter(kind=Token.Kind.REFRESH, revoked_at=None, superseded_at=None, expires_at__gt=now)
    theirs = living.filter(authorization__user__in=users, client__issuer__in=issuers).exclude(family=None)
    columns = theirs.values_list("authorization", "family", "scope", "facts", "client__client_id")
    for authorization, family, scope, facts, client_id in columns:
        if _is_bound(scope.split(), facts, client_id, has_ended):
            yield authorization, family


def _is_bound(scopes: Collection[str], facts: Mapping[str, Any], client_id: str, has_ended: Ended) -> bool:
    return OFFLINE_ACCESS not in scopes and "sid" in facts and has_ended(client_id, facts["sid"])
