"""`manage.py updateclient`: change what a client has registered. There is a flag for each member of its metadata."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import check_first_party, client_information, revise_client, validate
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.issuer import Issuer
from django_oauth_server.management.arguments import as_json, check_profile, find_client, find_issuer, find_user
from django_oauth_server.management.metadata import add_member_flags, check_format, given_members, in_words
from django_oauth_server.models import Client
from django_oauth_server.storage.clients import save_changed, set_active
from django_oauth_server.storage.transaction import atomic

_FOLLOW: Final = frozenset({"grant_types", "response_types"})
"""Where one of them is given alone, the other follows from it."""
_OWN: Final = ("profile", "skip_consent", "access_token_format")


class Command(BaseCommand):
    help = (
        "Change a client. Only what is given changes; a list replaces the registered one: "
        "updateclient CLIENT_ID --redirect-uri https://notebook.example/callback --scope 'notes:read notes:write'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_id", help="The client ID.")
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--enable", action="store_true", help="Enable the client, if it is disabled.")
        parser.add_argument(
            "--remove",
            action="append",
            default=[],
            metavar="MEMBER",
            help="Name of a metadata member to remove, for example logo_uri. Can be repeated.",
        )
        parser.add_argument("--owner", metavar="USERNAME", help="The user to whom the client belongs. Empty: nobody.")
        parser.add_argument("--profile", help="A security profile stricter than the issuer's. Empty: the issuer's.")
        parser.add_argument(
            "--skip-consent",
            action=argparse.BooleanOptionalAction,
            help="First-party app: people are not asked to allow it.",
        )
        parser.add_argument(
            "--access-token-format", help="opaque or at+jwt. Empty: the format of the resource or the issuer."
        )
        parser.add_argument("--json", action="store_true", help="Print the RFC 7591 client information response.")
        add_member_flags(parser)

    def handle(self, *args: object, client_id: str, **options: Any) -> None:
        issuer = find_issuer(options["issuer"])
        client = find_client(client_id, issuer)
        is_described = client.source != Client.TABLE
        if is_described and (_changes(options) or not options["enable"]):
            raise CommandError(
                _("The client %(client_id)s is described by the source “%(source)s”, so it cannot be changed here.")
                % {"client_id": client_id, "source": client.source}
            )
        with atomic():
            secret = "" if is_described else _revise(client, issuer, options)
            if options["enable"]:
                set_active([client], active=True)
        information = client_information(client, secret)
        self.stdout.write(as_json(information) if options["json"] else in_words(information))


def _changes(options: Mapping[str, Any]) -> bool:
    """Whether anything is given that *options* would change of what a client is."""
    own = any(options[name] is not None for name in (*_OWN, "owner"))
    return own or bool(options["remove"] or given_members(options))


def _revise(client: Client, issuer: Issuer, options: Mapping[str, Any]) -> str:
    """Store what changes of *client*. Returns a secret, where it needs one and had none."""
    changed = {name: options[name] for name in _OWN if options[name] is not None}
    check_profile(changed.get("profile", ""), issuer)
    check_format(changed.get("access_token_format", ""), issuer)
    for name, value in changed.items():
        setattr(client, name, value)
    if options["owner"] is not None:
        client.owner_id = find_user(options["owner"]).pk if options["owner"] else None
    terms = terms_of(issuer, client.profile)
    try:
        metadata = validate(_document(client, options), terms, operator=True, before=client.metadata)
        if client.skip_consent:
            check_first_party(metadata, terms)
        secret = revise_client(client, metadata, issuer)
    except InvalidClientMetadata as exc:
        raise CommandError(f"{exc.member}: {exc.rule}") from exc
    save_changed(client)
    return secret


def _document(client: Client, options: Mapping[str, Any]) -> dict[str, object]:
    """What is registered, without what is to be removed or follows from what is given, and what is given."""
    given = given_members(options)
    for name in options["remove"]:
        if name not in client.metadata:
            raise CommandError(_("--remove %(name)s: this client has no such member.") % {"name": name})
    gone = {*options["remove"], *(_FOLLOW if _FOLLOW & given.keys() else ())}
    return {name: value for name, value in client.metadata.items() if name not in gone} | given
