"""Authorizations: found, granted, widened, revoked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import FilteredRelation, Max, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.authorization import digest_of_facts
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.signals import authorization_revoked
from django_oauth_server.storage.batches import batches
from django_oauth_server.storage.question import Question, ValueOf
from django_oauth_server.storage.revocations import record_authorizations
from django_oauth_server.storage.transaction import Conflict, after_commit, atomic

NO_FACTS: Final = digest_of_facts(None)
_FOUND: Final = "authorization_found"
_MOST_LOOKED_AT: Final = 100
_NEVER_JUDGED: Final = ("facts_digest", "created_at", "last_used_at", "revoked_at")
_JUDGED_WHERE_ASKED: Final = ("resources", "presentation", "consented_at")


def unread(path: str = "") -> tuple[str, ...]:
    """Columns of the authorization at *path* that say nothing of what hangs on it: a question that each request asks leaves them out."""
    return tuple(f"{path}{name}" for name in (*_NEVER_JUDGED, *_JUDGED_WHERE_ASKED))


_live: Final = Question(
    Authorization,
    lambda client, user, facts_digest: Authorization.objects.filter(
        client=ValueOf(client, Client._meta.pk), user=_user(user), is_live=True, facts_digest=facts_digest
    ).defer(*_NEVER_JUDGED),
)


_by_grant_id: Final = Question(
    Authorization,
    lambda grant_id: (
        Authorization.objects.select_related("client", "user")
        .filter(grant_id=ValueOf(grant_id, Authorization._meta.get_field("grant_id")))
        .defer(*unread())
    ),
)


def with_authorization(clients: QuerySet[Client], user: str) -> QuerySet[Client]:
    """A `Question` for one of *clients* and what *user* allows it today without any facts: what `note_found` notes."""
    of_user = FilteredRelation(
        "authorizations",
        condition=Q(
            authorizations__user=_user(user), authorizations__is_live=True, authorizations__facts_digest=NO_FACTS
        ),
    )
    found = clients.annotate(**{_FOUND: of_user}).select_related(_FOUND)  # type: ignore[misc]  # the stubs know no annotation there
    return found.defer(*(f"{_FOUND}__{name}" for name in _NEVER_JUDGED))


def note_found(client: Client, user: AbstractBaseUser | AnonymousUser) -> None:
    """*client* was found `with_authorization`: what *user* allows it is taken from there, once. Who asks again asks the database."""
    vars(client)[_FOUND] = user.pk, vars(client).get(_FOUND)


def forget_found(client: Client) -> None:
    """What was found with *client* may have ended."""
    vars(client).pop(_FOUND, None)


def live_authorization(
    client: Client, user: AbstractBaseUser, facts: Mapping[str, object] | None = None
) -> Authorization | None:
    """What *user* allows *client* today for *facts*, with both."""
    facts_digest = digest_of_facts(facts)
    if client._state.adding:  # its row may have been made meanwhile
        return _of_row_made_meanwhile(client, user, facts_digest)
    found: Authorization | None
    of, found = vars(client).pop(_FOUND, (None, None))
    if of != user.pk or facts_digest:
        found = _live.answer(client.pk, user.pk, facts_digest)
        if found:
            found.client = client
    if found:
        found.user = user  # type: ignore[assignment]
    return found


def allowed_for_any_facts(client: Client, user: AbstractBaseUser) -> list[Authorization]:
    """All that *user* allows *client* today, whatever the facts, the newest first, with both. A hundred at most."""
    of_id = Authorization.objects.filter(client__issuer=client.issuer, client__client_id=client.client_id)
    found = of_id.filter(user=user, is_live=True).select_related("client").order_by("-consented_at", "-pk")  # type: ignore[misc]
    allowed = [one for one in found[:_MOST_LOOKED_AT] if one.client.client_id == client.client_id]
    for one in allowed:
        one.user = user  # type: ignore[assignment]
    return allowed


def _user(blank: str) -> ValueOf:
    return ValueOf(blank, get_user_model()._meta.pk)


def _of_row_made_meanwhile(client: Client, user: AbstractBaseUser, facts_digest: str) -> Authorization | None:
    of_id = Authorization.objects.filter(client__issuer=client.issuer, client__client_id=client.client_id)
    live = of_id.filter(user=user, is_live=True, facts_digest=facts_digest)  # type: ignore[misc]
    found = live.select_related("client").first()
    if found is None or found.client.client_id != client.client_id:
        return None
    found.user = user  # type: ignore[assignment]
    found.client.metadata = client.metadata
    return found


def find_authorization(grant_id: str) -> Authorization | None:
    """The one that a token's claim `grant_id` names, with its client and its person, whatever its state."""
    try:
        return _by_grant_id.answer(grant_id)
    except ValidationError:  # no UUID is written so
        return None


def is_known_by_sector(client: Client, user_id: str) -> bool:
    """Whether the person allows *client* something today, and has since it is in the sector that it is in."""
    found = Authorization.objects.filter(client=client, user_id=user_id, is_live=True)
    return found.filter(Q(sector=client.sector) | Q(sector=None)).exists()


def live_authorizations(issuer: str, user: AbstractBaseUser) -> QuerySet[Authorization]:
    """All that *user* allows at *issuer*, with the client and `used_at`, the last one used first."""
    return (
        Authorization.objects.filter(user=user, is_live=True, client__issuer=issuer)  # type: ignore[misc]
        .select_related("client")
        .annotate(latest_token=Max("tokens__issued_at"))
        .annotate(used_at=Greatest(Coalesce("latest_token", "last_used_at"), Coalesce("last_used_at", "latest_token")))
        .order_by("-used_at", "-pk")
    )


def all_live(
    issuer: str, *, client: Client | None = None, user: AbstractBaseUser | None = None
) -> QuerySet[Authorization]:
    """All that is allowed at *issuer* today, to *client* and by *user* where they are named, with both."""
    found = Authorization.objects.filter(is_live=True, client__issuer=issuer).select_related("client", "user")
    found = found.filter(client=client) if client else found
    return found.filter(user=user) if user else found  # type: ignore[misc]


def grant(
    client: Client,
    user: AbstractBaseUser,
    scopes: Collection[str],
    resources: Collection[str],
    claims: Collection[str],
    stamp: str,
    shown: Mapping[str, str] | None,
    facts: Mapping[str, object] | None,
    now: datetime,
) -> Authorization:
    """A new authorization. The database refuses where one was made meanwhile, which is a conflict as any other."""
    granted = Authorization.objects.create(
        client=client,
        user=user,  # type: ignore[misc]
        scope=format_scope(scopes),
        resources=sorted(resources),
        claims=sorted(claims),
        sector=client.sector,
        presentation=shown,
        facts=facts or None,
        facts_digest=digest_of_facts(facts),
        credential_stamp=stamp,
        created_at=now,
        consented_at=now,
    )
    granted.is_new = True
    return granted


def confirm(
    authorization: Authorization,
    scopes: Collection[str],
    resources: Collection[str],
    claims: Collection[str],
    shown: Mapping[str, str] | None,
    now: datetime,
) -> None:
    """Allow *scopes* and *claims*, in place of those before; more resources; and note what the client showed, where a page was *shown*.
    Raises `Conflict` where it was revoked or confirmed meanwhile.

    The moment of the last confirmation tells: it moves with whatever is changed.
    """
    before = authorization.consented_at
    authorization.scope = format_scope(scopes)
    authorization.resources = sorted({*authorization.resources, *resources})
    authorization.claims = sorted(claims)
    authorization.presentation = authorization.presentation if shown is None else shown
    authorization.consented_at = now
    changed = Authorization.objects.filter(pk=authorization.pk, is_live=True, consented_at=before).update(
        scope=authorization.scope,
        resources=authorization.resources,
        claims=authorization.claims,
        presentation=authorization.presentation,
        consented_at=now,
    )
    if not changed:
        raise Conflict


def revoke_authorizations(authorizations: Iterable[Authorization], now: datetime) -> int:
    """End these, and with them all that came from them: every path looks at the authorization. Returns how many were live.

    A few statements for each thousand, which end together.
    """
    return sum(_revoke_together(some, now) for some in batches(authorizations))


def _revoke_together(authorizations: Collection[Authorization], now: datetime) -> int:
    chosen = Authorization.objects.filter(pk__in=[one.pk for one in authorizations])
    with atomic():
        if not chosen.filter(is_live=True).update(is_live=None, revoked_at=now):
            return 0
        pks = set(chosen.filter(is_live=None, revoked_at=now).values_list("pk", flat=True))
        ended = [one for one in authorizations if one.pk in pks]
        record_authorizations(ended)
        for authorization in ended:
            after_commit(partial(authorization_revoked.send, Authorization, authorization=authorization))
    return len(ended)
