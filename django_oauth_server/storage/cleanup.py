"""Rows that are dead for good, and how they go: a few at a time, by primary key, beside live traffic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import models, router
from django.db.models import Exists, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import Component, Sweep
from django_oauth_server.models import Authorization, Ticket, Token
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.storage.transaction import atomic, retry_conflicts

EXPIRED_KEPT: Final = timedelta(hours=1)
"""Longer than any request, which may still write to what it found alive."""
REVOKED_TOKEN_KEPT: Final = timedelta(days=1)
"""Longer than any replay window, within which a revoked access token must not be made anew for an honest retry."""


def sweeps(components: Iterable[Component], now: datetime, keep_revoked: timedelta) -> Iterator[Sweep]:
    """What is dead at *now*, in the order in which it can go: what *components* keep may hang on what the core keeps."""
    of_components = [one for own in components for one in own.sweeps(now - EXPIRED_KEPT)]
    yield from {(one.rows.model, str(one.words)): one for one in of_components}.values()  # some share a table
    yield from _core(now, keep_revoked)


def _core(now: datetime, keep_revoked: timedelta) -> Iterable[Sweep]:
    """Tokens, tickets, and what was allowed.

    A rotated refresh token stays until it expires, so that its reuse is noticed. A spent code stays as long as any that expired: a replay after
    that is refused as unknown, and takes nothing back. A revoked token of a client's own stays until it expires: of a JWT that was not stored
    when it was issued, the row is all that tells. The record of a revoked authorization is kept for *keep_revoked*, and for as long as something
    hangs on it.
    """
    expired, revoked, gone = now - EXPIRED_KEPT, now - REVOKED_TOKEN_KEPT, now - max(keep_revoked, EXPIRED_KEPT)
    return (
        Sweep(_("expired tokens"), Token.objects.filter(expires_at__lte=expired)),
        Sweep(_("revoked tokens"), Token.objects.filter(revoked_at__lte=revoked).exclude(authorization=None)),
        Sweep(
            _("tokens of revoked authorizations"),
            Token.objects.filter(authorization__revoked_at__lte=min(revoked, gone)),
        ),
        Sweep(_("expired revocations"), Revocation.objects.filter(expires_at__lte=expired)),
        Sweep(_("expired codes and requests"), Ticket.objects.filter(expires_at__lte=expired)),
        Sweep(_("revoked authorizations"), Authorization.objects.filter(revoked_at__lte=gone)),
    )


def batches(sweep: Sweep, size: int) -> Iterator[int]:
    """Delete at most *size* rows in each transaction; yields how many went. Each row is looked at once."""
    model = sweep.rows.model
    dead = rest = sweep.rows.filter(*(~Exists(rows) for rows in _hanging_on(model))).order_by("pk")
    while pks := list(rest.values_list("pk", flat=True)[:size]):
        yield retry_conflicts(partial(_delete, model, pks))
        rest = dead.filter(pk__gt=pks[-1])


def _hanging_on(model: type[models.Model]) -> Iterator[QuerySet[models.Model]]:
    """The rows of every table that the database holds to a row of *model*: it stays as long as there are any."""
    for relation in model._meta.get_fields(include_hidden=True):
        column = relation.field if isinstance(relation, ForeignObjectRel) else None
        if isinstance(column, models.ForeignKey) and _is_kept_by_the_database(column):
            yield column.model._base_manager.filter(**{column.name: OuterRef(column.target_field.name)})


def _is_kept_by_the_database(column: models.ForeignKey[Any, Any]) -> bool:
    kept: bool = column.db_constraint  # type: ignore[attr-defined]  # not in the stubs
    return kept and column.model._meta.managed


def _delete(model: type[models.Model], pks: Sequence[Any]) -> int:
    """Nothing hangs on these rows any more, so no cascade is collected."""
    with atomic():
        if model is Token:
            _note_last_use(pks)
        return model._default_manager.filter(pk__in=pks)._raw_delete(router.db_for_write(model))


def _note_last_use(tokens: Sequence[int]) -> None:
    """The authorization remembers when it was last used, in place of the tokens that tell it."""
    latest = Subquery(
        Token.objects.filter(authorization=OuterRef("pk")).values("authorization").values(latest=Max("issued_at"))
    )
    used = Coalesce(Greatest(latest, F("last_used_at")), latest, F("last_used_at"))  # some databases have NULL win
    affected = Token.objects.filter(pk__in=tokens).exclude(authorization=None).values("authorization")
    Authorization.objects.filter(pk__in=list(affected.distinct().values_list("authorization", flat=True))).update(
        last_used_at=used
    )
