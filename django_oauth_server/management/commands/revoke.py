"""`manage.py revoke`: end what people have allowed, and the tokens that came from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_oauth_server.issuer import Issuer
from django_oauth_server.management.arguments import as_json, find_client, find_issuer, find_user
from django_oauth_server.models import Authorization, Client
from django_oauth_server.resource.revocations import token_mark
from django_oauth_server.storage.authorizations import all_live, find_authorization, revoke_authorizations
from django_oauth_server.storage.batches import walk
from django_oauth_server.storage.tokens import find_token, own_tokens, revoke_own_tokens, revoke_tokens


class Command(BaseCommand):
    help = (
        "Revoke authorizations with all their tokens: of a client, of a person, of both, or the one that a token names. "
        "People are asked again when they come back. To keep a client from getting new tokens, disable it: disableclient CLIENT_ID"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--client",
            metavar="CLIENT_ID",
            help="Everything this client holds: all authorizations, and tokens that it got for itself.",
        )
        parser.add_argument(
            "--user",
            metavar="USERNAME",
            help="Everything this person has allowed. With --client, only what they have allowed this client.",
        )
        parser.add_argument(
            "--reference",
            metavar="ID",
            help="The grant_id of an access token (its authorization is revoked), or the jti (only this token).",
        )
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be revoked.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(
        self,
        *args: object,
        client: str | None,
        user: str | None,
        reference: str | None,
        issuer: str | None,
        dry_run: bool,
        json: bool,
        **options: object,
    ) -> None:
        named, now = find_issuer(issuer), timezone.now()
        if reference is not None and client is None and user is None:
            ended = _by_reference(reference, named, now, dry_run=dry_run)
        elif reference is None and (client is not None or user is not None):
            of = None if client is None else find_client(client, named)
            ended = _of(of, None if user is None else find_user(user), named, now, dry_run=dry_run)
        else:
            raise CommandError(_("Use --reference, or --client and --user, or one of these two."))
        self.stdout.write(as_json(ended | {"dry_run": dry_run}) if json else _in_words(ended, dry_run=dry_run))


def _of(
    client: Client | None, person: AbstractBaseUser | None, issuer: Issuer, now: datetime, *, dry_run: bool
) -> dict[str, int]:
    """By the thousand: what was ended stays ended, whatever stops the rest."""
    found = all_live(str(issuer), client=client, user=person)
    own = client if person is None else None
    if dry_run:
        return {"authorizations": found.count(), "tokens": own_tokens(own, now).count() if own else 0}
    return {
        "authorizations": revoke_authorizations(walk(found), now),
        "tokens": revoke_own_tokens(own, now) if own else 0,
    }


def _by_reference(reference: str, issuer: Issuer, now: datetime, *, dry_run: bool) -> dict[str, int]:
    authorization = find_authorization(reference)
    if authorization and authorization.client.issuer == str(issuer):
        return _one(authorization, now, dry_run=dry_run)
    token = find_token(token_mark(reference))
    if token is None or token.client.issuer != str(issuer):
        raise CommandError(
            _(
                "No authorization and no stored token at %(issuer)s has the ID %(reference)s. JWTs of the client credentials grant are not "
                "stored: use --client to revoke them."
            )
            % {"issuer": issuer, "reference": reference}
        )
    is_live = token.revoked_at is None and token.expires_at > now
    if is_live and not dry_run:
        revoke_tokens([token], now)
    return {"authorizations": 0, "tokens": int(is_live)}


def _one(authorization: Authorization, now: datetime, *, dry_run: bool) -> dict[str, int]:
    number = int(bool(authorization.is_live)) if dry_run else revoke_authorizations([authorization], now)
    return {"authorizations": number, "tokens": 0}


def _in_words(ended: Mapping[str, int], *, dry_run: bool) -> str:
    authorizations, tokens = ended["authorizations"], ended["tokens"]
    words = [
        ngettext("%(n)d authorization", "%(n)d authorizations", authorizations) % {"n": authorizations},
        ngettext("%(n)d other token", "%(n)d other tokens", tokens) % {"n": tokens},
    ]
    said = _("Would be revoked: %(what)s.") if dry_run else _("Revoked: %(what)s.")
    return said % {"what": ", ".join(words)}
