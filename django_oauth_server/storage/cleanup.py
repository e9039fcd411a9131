"""Rows that are dead for good, and how they go: a few at a time, by an index, beside live traffic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import connections, models, router
from django.db.models import Exists, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import Component, Sweep
from django_oauth_server.models import Authorization, Ticket, Token
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.storage.adoptions import ADOPTED, not_adopted
from django_oauth_server.storage.transaction import atomic, retry_conflicts

EXPIRED_KEPT: Final = timedelta(hours=1)
"""Longer than any request, which may still write to what it found alive."""
REVOKED_KEPT: Final = timedelta(days=1)
"""Longer than any replay window, within which a revoked access token must not be made anew for an honest retry."""

USE_NOTED_EACH: Final = timedelta(days=1)
"""An app that refreshes around the clock leaves a hundred tokens a day: its authorization, which is a larger row, is not written for each."""

_LOOKED_AT: Final = 100
"""Authorizations whose tokens are looked for together: each may have hundreds, all over the table."""


def sweeps(components: Iterable[Component], now: datetime, keep_revoked: timedelta) -> Iterator[Sweep]:
    """What is dead at *now*, in the order in which it can go: what *components* keep may hang on what the core keeps."""
    of_components = [one for own in components for one in own.sweeps(now - EXPIRED_KEPT)]
    yield from {(one.rows.model, str(one.words)): one for one in of_components}.values()  # some share a table
    yield from _core(now, keep_revoked)


def _core(now: datetime, keep_revoked: timedelta) -> Iterable[Sweep]:
    """Tokens, tickets, and what was allowed.

    A rotated refresh token stays for its replay window; its reuse is noticed without the row. Only where its value does not say where it comes
    from, since an earlier version made it, does it stay until it expires. A spent code stays as long as any that expired: a replay after
    that is refused as unknown, and takes nothing back. A revoked token of a client's own stays until it expires: of a JWT that was not stored
    when it was issued, the row is all that tells. So does one that was adopted: without its row it would be adopted once more. A revoked
    authorization is kept for *keep_revoked*, and for as long as something but tokens hangs on it, or an adopted token.
    """
    expired, revoked, gone = now - EXPIRED_KEPT, now - REVOKED_KEPT, now - max(keep_revoked, REVOKED_KEPT)
    of_people = Token.objects.exclude(authorization=None)
    adopted = Token.objects.filter(authorization=OuterRef("pk"), facts__has_key=ADOPTED)
    ended = Authorization.objects.filter(~Exists(adopted), revoked_at__lte=gone)
    return (
        Sweep(_("expired tokens"), Token.objects.filter(expires_at__lte=expired), by="expires_at"),
        Sweep(_("revoked tokens"), not_adopted(of_people.filter(revoked_at__lte=revoked)), by="revoked_at"),
        Sweep(_("expired revocations"), Revocation.objects.filter(expires_at__lte=expired), by="expires_at"),
        Sweep(_("expired codes and requests"), Ticket.objects.filter(expires_at__lte=expired), by="expires_at"),
        Sweep(_("revoked authorizations and their tokens"), ended, by="revoked_at"),
    )


def batches(sweep: Sweep, size: int) -> Iterator[int]:
    """Delete at most *size* rows in each transaction; yields how many went.

    They are walked in the order of a column with an index, each batch from where the one before began: what lives is not looked at, and what has
    gone once more. PostgreSQL marks it in the index then, so that the next run passes it by, vacuumed or not.
    """
    model, by = sweep.rows.model, sweep.by
    rows = sweep.rows.using(router.db_for_write(model))
    dead = _free(rows, but=Token if model is Authorization else None).order_by(by).values_list("pk", by)
    some = list(dead[:size])
    while some:
        gone = 0
        for number in _delete(model, [row[0] for row in some], size):
            gone += number
            yield number
        first, last = some[0][1], some[-1][1]
        if not gone and first == last:  # the next look would find the same: somebody else deletes them
            return
        some = list(dead.filter(**{f"{by}__gte": first if gone else last})[:size])


def _free(rows: QuerySet[Any], *, but: type[models.Model] | None = None) -> QuerySet[Any]:
    """Those of *rows* on which nothing hangs, as the database sees it, *but* rows of that model, which may go with them."""
    return rows.filter(*(~Exists(hanging) for hanging in _hanging_on(rows.model) if hanging.model is not but))


def _hanging_on(model: type[models.Model]) -> Iterator[QuerySet[models.Model]]:
    """The rows of every table that the database holds to a row of *model*: it stays as long as there are any."""
    for relation in model._meta.get_fields(include_hidden=True):
        column = relation.field if isinstance(relation, ForeignObjectRel) else None
        if isinstance(column, models.ForeignKey) and _is_kept_by_the_database(column):
            yield column.model._base_manager.filter(**{column.name: OuterRef(column.target_field.name)})


def _is_kept_by_the_database(column: models.ForeignKey[Any, Any]) -> bool:
    kept: bool = column.db_constraint  # type: ignore[attr-defined]  # not in the stubs
    return kept and column.model._meta.managed


def _delete(model: type[models.Model], pks: Sequence[Any], size: int) -> Iterator[int]:
    """Nothing hangs on these rows any more, so no cascade is collected."""
    if model is Authorization:
        for first in range(0, len(pks), _LOOKED_AT):
            theirs = Token.objects.filter(authorization__in=pks[first : first + _LOOKED_AT])
            yield from batches(Sweep("their tokens", theirs, by="authorization_id"), size)
        pks = list(_free(Authorization.objects.filter(pk__in=pks)).values_list("pk", flat=True))
    delete = _delete_tokens if model is Token else partial(_delete_rows, model)
    yield retry_conflicts(partial(delete, pks))


def _delete_rows(model: type[models.Model], pks: Sequence[Any]) -> int:
    return model._default_manager.filter(pk__in=pks)._raw_delete(router.db_for_write(model))


def _delete_tokens(pks: Sequence[int]) -> int:
    """The authorizations remember when they were last used, in place of the tokens that tell it: to the day, which is what people see."""
    connection = connections[router.db_for_write(Token)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_TOKENS, [list(pks), USE_NOTED_EACH.total_seconds()])
            return int(cursor.fetchone()[0])
    with atomic():
        _note_last_use(pks)
        return _delete_rows(Token, pks)


_DELETE_TOKENS: Final = """
    WITH gone AS (DELETE FROM django_oauth_server_token WHERE id = ANY(%s::bigint[]) RETURNING authorization_id, issued_at),
    latest AS (SELECT authorization_id AS id, max(issued_at) AS used_at FROM gone GROUP BY authorization_id ORDER BY authorization_id),
    noted AS (
        UPDATE django_oauth_server_authorization AS noted SET last_used_at = used_at FROM latest
        WHERE noted.id = latest.id AND (last_used_at IS NULL OR last_used_at < used_at - make_interval(secs => %s))
    )
    SELECT count(*) FROM gone"""
"""All of it in one statement, and the maximum over the rows that go, not over all that the authorization has."""


def _note_last_use(tokens: Sequence[int]) -> None:
    """The same in two statements."""
    latest = Subquery(
        Token.objects.filter(authorization=OuterRef("pk")).values("authorization").values(latest=Max("issued_at"))
    )
    used = Coalesce(Greatest(latest, F("last_used_at")), latest, F("last_used_at"))  # some databases have NULL win
    affected = Token.objects.filter(pk__in=tokens).exclude(authorization=None).values("authorization")
    Authorization.objects.filter(pk__in=list(affected.distinct().values_list("authorization", flat=True))).update(
        last_used_at=used
    )
