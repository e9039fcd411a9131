"""What was adopted of other servers: noted, found, told apart from what was issued here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F, Max, Model, QuerySet

from django_oauth_server.models import Authorization, Client, SigningKey, Ticket, Token
from django_oauth_server.models.adoption import Adoption
from django_oauth_server.models.authorization import credential_stamp
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.storage.authorizations import NO_FACTS
from django_oauth_server.storage.batches import AT_ONCE, batches, walk
from django_oauth_server.storage.transaction import Conflict, atomic

ADOPTED: Final = "adopted"
"""The fact of a token that says from which source it is, by which key the source knows it, and since when both did."""

_HANGING: Final = ("client", "authorization__user")
Pair = tuple[int, object]
"""A client and a person, by their primary keys."""


class Allowed(NamedTuple):
    """What a person allowed a client elsewhere, as far as living tokens tell."""

    client: Client
    person: AbstractBaseUser
    scopes: frozenset[str]
    resources: frozenset[str]
    since: datetime
    shown: Mapping[str, str]
    """What the client shows of itself, which is taken for what it showed then."""


def find_adoption(issuer: str, source: str) -> Adoption | None:
    return Adoption.objects.filter(issuer=issuer, source=source).first()


def note_adoption(issuer: str, source: str, began: datetime, left_out: Iterable[str]) -> None:
    """A run that *began* then is complete, but for the clients *left_out*."""
    Adoption.objects.update_or_create(
        issuer=issuer, source=source, defaults={"adopted_until": began, "left_out": sorted(left_out)}
    )


def forget_adoption(issuer: str, source: str) -> None:
    Adoption.objects.filter(issuer=issuer, source=source).delete()


def clients_by_id(issuer: str) -> dict[str, Client]:
    """All clients of *issuer*."""
    return {one.client_id: one for one in Client.objects.filter(issuer=issuer)}


def known_kids(kids: Collection[str]) -> dict[str, str]:
    """Those of *kids* that there are, with their issuers."""
    return dict(SigningKey.objects.filter(kid__in=kids).values_list("kid", "issuer"))


def people(keys: Collection[object]) -> Mapping[object, AbstractBaseUser]:
    """Those who can sign in, by their primary keys."""
    found = get_user_model()._default_manager.in_bulk([*keys])
    return {key: person for key, person in found.items() if person.is_active}


def known_digests(digests: Collection[str]) -> set[str]:
    """Those of *digests* that are stored, living or dead."""
    return set(Token.objects.filter(digest__in=digests).values_list("digest", flat=True))


def ended_authorizations(pairs: Collection[Pair]) -> dict[Pair, datetime]:
    """When somebody last took back what a person allowed a client, where it is still known."""
    found = _of(pairs).filter(is_live=None).exclude(revoked_at=None).order_by("revoked_at")
    return {(client, user): at for client, user, at in found.values_list("client_id", "user_id", "revoked_at") if at}


def authorize(allowed: Mapping[Pair, Allowed], now: datetime) -> dict[Pair, Authorization]:
    """The live authorizations that cover *allowed*, made or widened in the caller's transaction. Whoever stores tokens of the same people at the
    same time waits, and finds what was stored. Raises `Conflict`."""
    found = _live(allowed)
    Authorization.objects.bulk_create(
        [_authorization(one) for pair, one in allowed.items() if pair not in found], batch_size=AT_ONCE
    )
    for pair, authorization in found.items():
        _widen(authorization, allowed[pair], now)
    _write_again(Authorization, [one.pk for one in found.values()])
    return _live(allowed)


def write_again(clients: Collection[Client]) -> None:
    """Have whoever stores something for *clients* at the same time wait, without changing what they are."""
    _write_again(Client, [one.pk for one in clients])


def add_tokens(tokens: Collection[Token]) -> None:
    Token.objects.bulk_create(tokens, batch_size=AT_ONCE)


def add_ticket(ticket: Ticket) -> None:
    ticket.save(force_insert=True)


def adopted_tokens(issuer: str, source: str, now: datetime) -> Iterator[list[Token]]:
    """What was adopted of *source* and lives, a batch at a time, in the order of the keys. An authorization that ended is not looked at."""
    rows = Token.objects.filter(
        client__issuer=issuer, revoked_at=None, superseded_at=None, expires_at__gt=now, facts__has_key=ADOPTED
    )
    for some in batches(walk(rows)):
        yield [one for one in some if one.facts[ADOPTED][0] == source]


def living_tokens(issuer: str, now: datetime) -> Iterator[list[Token]]:
    """What clients of *issuer* hold and could present, a batch at a time, in the order of the keys, with all that it hangs on."""
    rows = Token.objects.filter(client__issuer=issuer, revoked_at=None, superseded_at=None, expires_at__gt=now)
    yield from map(_linked, batches(walk(rows.select_related(*_HANGING))))


def tokens_by_digest(digests: Collection[str]) -> dict[str, Token]:
    """Those of *digests* that are stored, with all that they hang on."""
    return {one.digest: one for one in _linked(Token.objects.filter(digest__in=digests).select_related(*_HANGING))}


def note_known_elsewhere(tokens: Collection[Token]) -> None:
    """Store by which keys a source knows *tokens* from now on."""
    Token.objects.bulk_update(tokens, ["facts"], batch_size=AT_ONCE)


def not_adopted(tokens: QuerySet[Token]) -> QuerySet[Token]:
    return tokens.exclude(facts__has_key=ADOPTED)


def adopted_before(tokens: Collection[Token], source: str) -> list[Token]:
    """What was adopted of *source* before *tokens*, comes from the grants of the refresh tokens among them, and lives."""
    refresh = [one for one in tokens if one.kind == Token.Kind.REFRESH and one.family and one.authorization_id]
    if not refresh:
        return []
    rows = Token.objects.filter(
        authorization__in={one.authorization_id for one in refresh},
        family__in={one.family for one in refresh},
        revoked_at=None,
        superseded_at=None,
        facts__has_key=ADOPTED,
    )
    new = {one.digest for one in tokens}
    return [one for one in rows if one.digest not in new and one.facts[ADOPTED][0] == source]


def unused(tokens: Collection[Token]) -> list[Token]:
    """Those of *tokens*, which were adopted, whose family has bought nothing here since."""
    issued = not_adopted(
        Token.objects.filter(
            authorization__in={one.authorization_id for one in tokens if one.authorization_id},
            family__in={one.family for one in tokens if one.family},
        )
    )
    last = {
        (authorization, family): at
        for authorization, family, at in issued.values_list("authorization_id", "family").annotate(Max("issued_at"))
    }
    return [one for one in tokens if not _is_later(last.get((one.authorization_id, one.family)), one)]


def _is_later(used_at: datetime | None, token: Token) -> bool:
    return used_at is not None and used_at.timestamp() >= token.facts[ADOPTED][2]


def end_adopted(tokens: Collection[Token], now: datetime) -> int:
    """*tokens* have ended where they came from: refresh tokens as if they were rotated, so that their reuse is noticed. Returns how many lived."""
    access = [one.pk for one in tokens if one.kind == Token.Kind.ACCESS]
    refresh = [one.pk for one in tokens if one.kind == Token.Kind.REFRESH]
    living = Token.objects.filter(revoked_at=None, superseded_at=None)
    with atomic():
        return living.filter(pk__in=access).update(revoked_at=now) + living.filter(pk__in=refresh).update(
            superseded_at=now
        )


def _linked(tokens: Iterable[Token]) -> list[Token]:
    linked = list(tokens)
    for one in linked:
        if one.authorization:
            one.authorization.client = one.client
    return linked


def _of(pairs: Collection[Pair]) -> QuerySet[Authorization]:
    """All of these clients and these people, and some more."""
    return Authorization.objects.filter(
        client__in={client for client, _ in pairs}, user__in={user for _, user in pairs}
    )


def _live(pairs: Collection[Pair]) -> dict[Pair, Authorization]:
    """Those for no facts, which nobody elsewhere knew."""
    rows = _of(pairs).filter(is_live=True, facts_digest=NO_FACTS)
    found = {(one.client_id, one.user_id): one for one in rows}
    return {pair: found[pair] for pair in pairs if pair in found}


def _authorization(allowed: Allowed) -> Authorization:
    return Authorization(
        client=allowed.client,
        user=allowed.person,  # type: ignore[misc]
        scope=format_scope(allowed.scopes),
        resources=sorted(allowed.resources),
        sector=allowed.client.sector,
        presentation=dict(allowed.shown),
        credential_stamp=credential_stamp(allowed.person),
        created_at=allowed.since,
        consented_at=allowed.since,
    )


def _widen(authorization: Authorization, allowed: Allowed, now: datetime) -> None:
    scopes, resources = authorization.scopes | allowed.scopes, allowed.resources.union(authorization.resources)
    if scopes == authorization.scopes and resources == {*authorization.resources}:
        return
    same = Authorization.objects.filter(pk=authorization.pk, is_live=True, consented_at=authorization.consented_at)
    if not same.update(scope=format_scope(scopes), resources=sorted(resources), consented_at=now):
        raise Conflict


def _write_again(model: type[Model], pks: Collection[Any]) -> None:
    """By a microsecond, as some clusters see no write where no value changes."""
    if pks:
        model._default_manager.filter(pk__in=pks).update(created_at=F("created_at") + timedelta(microseconds=1))
