"""`manage.py rotatesecret`: give a client a new secret."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from django_oauth_server.clients.registration import new_secret, uses_secret
from django_oauth_server.conf.moments import local
from django_oauth_server.management.arguments import as_json, find_client, find_issuer
from django_oauth_server.storage.transaction import atomic


class Command(BaseCommand):
    help = (
        "Generate and print a new secret for a client. The previous secret keeps working for a while. To end "
        "it now: rotatesecret CLIENT_ID --now"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_id", help="The client ID.")
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument(
            "--now",
            action="store_true",
            help=("The secret has leaked: stop accepting all previous secrets immediately."),
        )
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(
        self, *args: object, client_id: str, issuer: str | None, now: bool, json: bool, **options: object
    ) -> None:
        named = find_issuer(issuer)
        client = find_client(client_id, named)
        if not uses_secret(client, named):
            raise CommandError(_("This client doesn't authenticate with a secret."))
        with atomic():
            secret = new_secret(client, named, timezone.now(), at_once=now)
        until = client.previous_secret_expires_at
        if json:
            self.stdout.write(
                as_json({"client_id": client_id, "client_secret": secret, "previous_secret_expires_at": until})
            )
            return
        if until:
            told = _("The previous secret works until %(time)s. If it has leaked, use --now.") % {
                "time": date_format(local(until), "DATETIME_FORMAT")
            }
        else:
            told = _(
                "Previous secrets no longer work. Tokens that have already been issued keep working. To revoke "
                "them: revoke --client %(client_id)s"
            ) % {"client_id": client_id}
        self.stderr.write(told)
        self.stderr.write(_("Copy it now. It cannot be shown again."))
        self.stdout.write(secret)
