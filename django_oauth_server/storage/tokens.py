"""Tokens: stored, found, rotated, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db.models import F, Q, QuerySet

from django_oauth_server.models import Ticket, Token
from django_oauth_server.storage.batches import batches
from django_oauth_server.storage.clients import refer_to_row
from django_oauth_server.storage.question import Question
from django_oauth_server.storage.revocations import record_tokens
from django_oauth_server.storage.transaction import atomic

_by_digest = Question(
    Token, lambda digest: Token.objects.select_related("client", "authorization__user").filter(digest=digest)
)

_OUTLIVES_ITS_ROW: Final = Q(kind=Token.Kind.ACCESS) & ~Q(self_contained=False)
"""What may be a JWT, which is verified without looking at its row."""


def store(tokens: Sequence[Token]) -> None:
    """Insert them in one statement; a single one without the transaction that `bulk_create` opens, two round trips more."""
    refer_to_row(*tokens)
    if len(tokens) == 1:
        tokens[0].save(force_insert=True)
    else:
        Token.objects.bulk_create(tokens)


def store_beside(token: Token, read: Token) -> bool:
    """Insert *token*, of the family of *read*. False where that was revoked since it was read, or something else was stored beside it."""
    with atomic():
        if not Token.objects.filter(pk=read.pk, revoked_at=None, held=read.held).update(held=F("held") + 1):
            return False
        store([token])
    return True


def find_token(digest: str, *kinds: Token.Kind) -> Token | None:
    """The token of this digest with its client, authorization and user, whatever its state."""
    found = _by_digest.answer(digest)
    if found and found.authorization:
        found.authorization.client = found.client
    return found if found and (not kinds or found.kind in kinds) else None


def find_tokens(digests: Iterable[str]) -> dict[str, Token]:
    """Those of *digests* that are stored."""
    return {token.digest: token for token in Token.objects.filter(digest__in=list(digests))}


def supersede(token: Token, now: datetime) -> bool:
    """Rotate it out. False where somebody else was first, or it was revoked meanwhile."""
    return bool(Token.objects.filter(pk=token.pk, superseded_at=None, revoked_at=None).update(superseded_at=now))


def prolong(token: Token, expires_at: datetime) -> bool:
    """Start its idle time anew. False where it was revoked meanwhile.

    Writing the row is what makes a revocation win over a refresh that runs beside it: each waits for the other.
    """
    return bool(Token.objects.filter(pk=token.pk, revoked_at=None).update(expires_at=expires_at))


def hold(token: Token) -> bool:
    """Keep it from being revoked until the transaction ends. False where it was revoked meanwhile.

    The row is written for the same reason: what is stored beside it is there by the time a revocation goes on.
    """
    return bool(Token.objects.filter(pk=token.pk, revoked_at=None).update(held=F("held") + 1))


def revoke_token(token: Token, now: datetime, *, self_contained: bool) -> None:
    """End this one alone. *self_contained*: it may be a JWT, which is verified without looking at its row."""
    with atomic():
        ended = Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
        if ended and self_contained:
            record_tokens({token.digest: token.expires_at})


def store_revoked(token: Token, now: datetime) -> None:
    """End a JWT that was not stored when it was issued: from now on it is, as revoked."""
    token.revoked_at = now
    with atomic():
        record_tokens({token.digest: token.expires_at})
        if not Token.objects.filter(digest=token.digest).exists():  # two who find it stored twice find it revoked
            store([token])


def revoke_family(one: Ticket | Token, now: datetime) -> None:
    """End all that the grant of *one* bought. It is found among what came from its authorization, which has an index."""
    _end(Token.objects.filter(authorization=one.authorization_id, family=one.family), now)


def revoke_tokens(tokens: Iterable[Token], now: datetime) -> None:
    """End these; with a refresh token all that its grant bought (RFC 7009 section 2.1)."""
    for some in batches(tokens):
        refresh = [one for one in some if one.kind == Token.Kind.REFRESH and one.family]
        families = Q(
            authorization__in={one.authorization_id for one in refresh}, family__in={one.family for one in refresh}
        )
        _end(Token.objects.filter(Q(pk__in=[one.pk for one in some]) | families), now)


def _end(tokens: QuerySet[Token], now: datetime) -> None:
    """Mark *tokens*, and beside that the JWTs that this ended, in one transaction: whoever dies half-way has ended nothing.

    Again until nothing is left: whatever stores a token of a family writes one that is there in the same transaction, so that what was under way
    has been stored by the time the other could be marked, and what is marked buys nothing.
    """
    with atomic():
        if not tokens.filter(revoked_at=None).update(revoked_at=now):
            return
        while tokens.filter(revoked_at=None).update(revoked_at=now):
            pass
        living = tokens.filter(_OUTLIVES_ITS_ROW, revoked_at=now, expires_at__gt=now)
        record_tokens(dict(living.values_list("digest", "expires_at")))
