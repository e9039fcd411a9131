"""Tokens: stored, found, rotated, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, Q, QuerySet

from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.storage.authorizations import unread
from django_oauth_server.storage.batches import batches, walk
from django_oauth_server.storage.clients import as_it_is_now, as_remembered, check_memory, forget_client, refer_to_row
from django_oauth_server.storage.question import Question, ValueOf
from django_oauth_server.storage.revocations import record_former_tokens, record_tokens
from django_oauth_server.storage.transaction import Conflict, atomic
from django_oauth_server.storage.writing import Change, Insertion, Spending


def _joined() -> QuerySet[Token]:
    return Token.objects.select_related("client", "authorization__user").defer(*unread("authorization__"))


_by_digest = Question(Token, lambda digest: _joined().filter(digest=digest))

_by_key = Question(Client, lambda client: Client.objects.filter(pk=ValueOf(client, Client._meta.pk)))

_for_remembered = Question(
    Token,
    lambda digest, caller, updated_at: _joined().filter(
        Exists(
            Client.objects.filter(
                pk=ValueOf(caller, Client._meta.pk),
                updated_at=ValueOf(updated_at, Client._meta.get_field("updated_at")),
                is_active=True,
            )
        ),
        digest=digest,
    ),
)

_newest_of_family = Question(
    Token,
    lambda authorization, family: _joined().filter(
        authorization=ValueOf(authorization, Authorization._meta.pk),
        family=ValueOf(family, Token._meta.get_field("family")),
        kind=Token.Kind.REFRESH,
        superseded_at=None,
    ),
)

_OUTLIVES_ITS_ROW: Final = Q(kind=Token.Kind.ACCESS) & ~Q(self_contained=False)
"""What may be a JWT, which is verified without looking at its row."""
_insertion = Insertion(Token)
_rotation = Change(Token, sets=("superseded_at", "expires_at"), unless=("superseded_at", "revoked_at"))
_prolongation = Change(Token, sets=("expires_at",), unless=("revoked_at",))
_use = Change(Token, unless=("revoked_at",), counts="held")
_hold = Change(Token, unless=("revoked_at",), same=("held",), counts="held")


def store(tokens: Sequence[Token], client: Client, spending: Spending | None = None) -> None:
    """Store *tokens* for *client*, and use up what they are bought with, all of it or nothing: the last thing that is done before the answer.

    Raises `Conflict` where somebody else used it up first, or *client* is remembered otherwise than it is: whoever does all anew finds out which.
    """
    if not tokens and spending is None:
        check_memory(client)
        return
    with nullcontext() if client.source == Client.TABLE else atomic():
        refer_to_row(*tokens)
        if not _insertion.write(tokens, spending=spending, provided=as_remembered(client)):
            forget_client(client)
            raise Conflict


def find_token(digest: str, *kinds: Token.Kind) -> Token | None:
    """The token of this digest with its client, authorization and user, whatever its state."""
    found = _linked(_by_digest.answer(digest))
    return found if found and (not kinds or found.kind in kinds) else None


def find_token_for(caller: Client, digest: str) -> Token | None:
    """The same, for *caller* to be told of. Where *caller* is remembered, the statement finds the token only if the row of *caller* is the same.

    Raises `Conflict` where it is not.
    """
    if not caller.is_remembered:
        return find_token(digest)
    found = _linked(_for_remembered.answer(digest, caller.pk, caller.updated_at))
    if found is None:
        as_it_is_now(caller)
    return found


def _linked(found: Token | None) -> Token | None:
    """*found* with the client of its authorization: its own, unless it was exchanged for a token of another client (RFC 8693)."""
    if found and (allowed := found.authorization):
        if allowed.client_id == found.client_id:
            allowed.client = found.client
        elif (client := _by_key.answer(allowed.client_id)) is None:
            return None  # deleted since, and the token with it
        else:
            allowed.client = client
    return found


def find_tokens(digests: Iterable[str]) -> dict[str, Token]:
    """Those of *digests* that are stored."""
    return {token.digest: token for token in Token.objects.filter(digest__in=list(digests))}


def newest_of_family(authorization: int, family: UUID) -> Token | None:
    """The one refresh token of the family that was not rotated, with its client, authorization and user, whatever its state otherwise."""
    return _linked(_newest_of_family.answer(authorization, family))


def superseded(token: Token, now: datetime, kept_until: datetime) -> Spending:
    """It is rotated out, unless somebody else was first, or it was revoked meanwhile. The row is not needed after *kept_until*."""
    return _rotation.of(token, now, kept_until)


def prolonged(token: Token, expires_at: datetime) -> Spending:
    """Its idle time starts anew, unless it was revoked meanwhile.

    Writing the row is what makes a revocation win over a refresh that runs beside it: each waits for the other.
    """
    return _prolongation.of(token, expires_at)


def used(token: Token) -> Spending:
    """It stays as it is, unless it was revoked meanwhile. No index is written for that (PostgreSQL: a heap-only update)."""
    return _use.of(token)


def held(token: Token) -> Spending:
    """It stays as it is, unless it was revoked since it was read, or something else was stored beside it.

    The row is written for the same reason: what is stored beside it is there by the time a revocation goes on.
    """
    return _hold.of(token)


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
            store([token], token.client)


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


def own_tokens(client: Client, now: datetime) -> QuerySet[Token]:
    """The living tokens of *client* behind which no authorization of its own stands: those for itself, and those it exchanged others' for. JWTs
    for itself are not stored, and so not among them."""
    others = Q(authorization=None) | ~Q(authorization__client=client)
    return Token.objects.filter(others, client=client, revoked_at=None, expires_at__gt=now)


def revoke_own_tokens(client: Client, now: datetime) -> int:
    """End what *client* holds for itself, JWTs too. Returns how many of those that are stored."""
    record_former_tokens([client])
    return sum(_revoke_rows(some, now) for some in batches(walk(own_tokens(client, now))))


def _revoke_rows(tokens: Sequence[Token], now: datetime) -> int:
    return Token.objects.filter(pk__in=[one.pk for one in tokens], revoked_at=None).update(revoked_at=now)


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
