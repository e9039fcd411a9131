"""`manage.py formercalls`: who still calls the addresses of the authorization server that stood here before."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_oauth_server.conf.moments import local
from django_oauth_server.management.arguments import as_json, find_issuer
from django_oauth_server.models.former_call import FormerCall
from django_oauth_server.storage.former_calls import former_calls


class Command(BaseCommand):
    help = (
        "Show which clients have called which former address, the last call first. Once nobody calls them, remove their "
        "include() from the URLconf."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print the result as JSON.")

    def handle(self, *args: object, issuer: str | None, as_json: bool, **options: object) -> None:
        rows = list(former_calls(str(find_issuer(issuer))))
        if as_json:
            self.stdout.write(_json(rows))
            return
        for row in rows:
            self.stdout.write(_line(row))
        if not rows:
            self.stdout.write(_("Nobody has called a former address."))


def _line(row: FormerCall) -> str:
    words = {
        "address": row.address,
        "client": row.client_id or _("no client named"),
        "calls": row.calls,
        "last": localize(local(row.last_at)),
    }
    return (
        ngettext(
            "%(address)s, %(client)s: %(calls)d call, last %(last)s",
            "%(address)s, %(client)s: %(calls)d calls, last %(last)s",
            row.calls,
        )
        % words
    )


def _json(rows: list[FormerCall]) -> str:
    members = ("address", "client_id", "calls", "last_at")
    return as_json([{name: getattr(row, name) for name in members} for row in rows])
