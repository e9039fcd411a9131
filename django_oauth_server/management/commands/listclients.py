"""`manage.py listclients`: which clients there are."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from django_oauth_server.clients.origins import origin_of
from django_oauth_server.clients.registration import client_information
from django_oauth_server.management.arguments import as_json, find_issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.clients import all_clients


class Command(BaseCommand):
    help = "List clients, the oldest first: client ID, state and name. Secrets are never listed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--issuer", help="The issuer identifier. Default: all issuers.")
        parser.add_argument("--search", default="", metavar="TEXT", help="Part of a client ID or a name.")
        parser.add_argument("--disabled", action="store_true", help="Only disabled clients.")
        parser.add_argument("--json", action="store_true", help="Print a JSON array, with all registered metadata.")

    def handle(
        self, *args: object, issuer: str | None, search: str, disabled: bool, json: bool, **options: object
    ) -> None:
        named = None if issuer is None else str(find_issuer(issuer))
        found = all_clients(named, containing=search, only_disabled=disabled)
        for line in _as_array(found) if json else map(_in_a_line, found):
            self.stdout.write(line)


def _in_a_line(client: Client) -> str:
    state = _("enabled") if client.is_active else _("disabled")
    return f"{client.client_id:<34} {state:<12} {client}"


def _as_array(clients: Iterator[Client]) -> Iterator[str]:
    """One client at a time, however many there are."""
    before = "["
    for client in clients:
        yield before + as_json(_described(client), indent=None)
        before = ","
    yield "]" if before == "," else "[]"


def _described(client: Client) -> dict[str, object]:
    ours = ("issuer", "is_active", "registered_by", "profile", "skip_consent", "access_token_format", "created_at")
    came = {"origin": origin_of(client).name}
    return client_information(client) | {name: getattr(client, name) for name in ours} | came
