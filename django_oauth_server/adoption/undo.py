"""Going back: the source is told what has happened here since, as far as it can know."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from django_oauth_server.adoption.adopt import Progress, Report
from django_oauth_server.adoption.source import ForeignClient, ForeignToken, Source
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Token
from django_oauth_server.storage.adoptions import (
    ADOPTED,
    clients_by_id,
    living_tokens,
    note_known_elsewhere,
    tokens_by_digest,
)
from django_oauth_server.storage.batches import batches
from django_oauth_server.storage.transaction import atomic


def undo(source: Source, issuer: Issuer, now: datetime, *, write: bool, progress: Progress) -> Report:
    """Have *source* accept what lives here, and nothing that has ended here; without *write*, only say what that would be. Nothing here changes:
    until the addresses are the source's again, this can be run once more."""
    report = Report()
    for client in clients_by_id(issuer.settings.issuer).values():
        _put_back_client(client, source, report, write=write)
    for some in living_tokens(issuer.settings.issuer, now):
        _put_back_tokens([one for one in some if not _reason(one, issuer, now)], source, now, report, write=write)
        progress(report)
    for foreign in batches(source.tokens(now)):
        _end_tokens(foreign, source, issuer, now, report, write=write)
        progress(report)
    return report


def _put_back_client(client: Client, source: Source, report: Report, *, write: bool) -> None:
    done = source.put_back_client(_foreign_client(client), write=write)
    report.counts[f"{done}_there"] += 1
    if done == "new" and client.secret_digest:
        report.remark(client.client_id, _("Needs a new secret there: only a digest of its secret is known here."))
    if not client.is_active:
        report.remark(client.client_id, _("Disabled here. There it can ask for new tokens."))


def _put_back_tokens(tokens: Collection[Token], source: Source, now: datetime, report: Report, *, write: bool) -> None:
    opaque = {(one.kind, one.digest): one for one in tokens if not one.self_contained}
    report.counts["jwts"] += len(tokens) - len(opaque)
    new = source.unknown([_foreign_token(one) for one in opaque.values() if ADOPTED not in one.facts])
    knowable = [one for one in new if source.can_know(one)]
    report.counts["not_knowable"] += len(new) - len(knowable)
    for one in knowable:
        report.counts["access_back" if one.kind == Token.Kind.ACCESS else "refresh_back"] += 1
    if not (write and knowable):
        return
    with atomic():
        keys = source.put_back(knowable, now)
        for of, key in keys.items():
            opaque[of].facts = {**opaque[of].facts, ADOPTED: [source.name, key, int(now.timestamp())]}
        note_known_elsewhere([opaque[of] for of in keys])


def _end_tokens(
    tokens: Collection[ForeignToken], source: Source, issuer: Issuer, now: datetime, report: Report, *, write: bool
) -> None:
    here = tokens_by_digest([one.digest for one in tokens])
    ended = [one for one in tokens if one.digest in here and _reason(here[one.digest], issuer, now)]
    report.counts["ended_there"] += len(ended)
    if write and ended:
        source.end(ended, now)


def _reason(token: Token, issuer: Issuer, now: datetime) -> str:
    """Why *token* is worth nothing here; empty while it lives."""
    if token.superseded_at is not None:
        return "rotated"
    return token.ended_by(now, password_change_revokes=issuer.settings.password_change_revokes)


def _foreign_client(client: Client) -> ForeignClient:
    return ForeignClient(
        client_id=client.client_id,
        metadata=client.metadata,
        skip_consent=client.skip_consent,
        created_at=client.created_at,
    )


def _foreign_token(token: Token) -> ForeignToken:
    return ForeignToken(
        key="",
        kind=Token.Kind(token.kind),
        digest=token.digest,
        client_id=token.client.client_id,
        user=token.authorization.user_id if token.authorization else None,
        scope=token.scope,
        resources=tuple(token.audience),
        family=token.family,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
    )
