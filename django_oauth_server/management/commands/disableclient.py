"""`manage.py disableclient`: switch clients off."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from django_oauth_server.management.arguments import as_json, find_client, find_issuer
from django_oauth_server.storage.clients import set_active


class Command(BaseCommand):
    help = (
        "Disable clients. They get no new tokens, and the tokens they have stop working. "
        "To enable one again: updateclient CLIENT_ID --enable"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_ids", nargs="+", metavar="client_id", help="The client ID. Can be repeated.")
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(
        self, *args: object, client_ids: Sequence[str], issuer: str | None, json: bool, **options: object
    ) -> None:
        named = find_issuer(issuer)
        clients = [find_client(client_id, named) for client_id in client_ids]
        were = {client.client_id: client.is_active for client in clients}
        set_active(clients, active=False)
        if json:
            self.stdout.write(as_json([{"client_id": name, "changed": was} for name, was in were.items()]))
            return
        for name, was in were.items():
            words = _("%(client_id)s was disabled.") if was else _("%(client_id)s was already disabled.")
            self.stdout.write(words % {"client_id": name})
