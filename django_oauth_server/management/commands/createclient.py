"""`manage.py createclient`: register a client. There is a flag for each member of its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from django_oauth_server.clients.kinds import KINDS, Kind, kind_named, kinds_for
from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import client_information, create_client
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.issuer import Issuer
from django_oauth_server.management.arguments import as_json, check_profile, find_issuer, find_user, known_client
from django_oauth_server.management.metadata import add_member_flags, check_format, given_members, in_words
from django_oauth_server.models import Client

_SHORT_SECRET: Final = 32


class Command(BaseCommand):
    help = (
        "Register a client. By default it has a secret and uses the authorization code and refresh token grants: "
        "createclient --client-name Notebook --redirect-uri https://notebook.example/callback --scope 'notes:read'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--client-id", default="", help="The client ID. Omit to generate one.")
        parser.add_argument(
            "--client-secret", default="", help=("The client secret. Omit to generate one, which is safer.")
        )
        parser.add_argument(
            "--if-missing",
            action="store_true",
            help="Do nothing if a client with this --client-id is already registered. For deployment scripts.",
        )
        parser.add_argument("--profile", default="", help="A security profile stricter than the issuer's.")
        parser.add_argument(
            "--kind",
            choices=[kind.name for kind in KINDS],
            help="What the client is. Its authentication and grant types follow from that, unless other flags say otherwise.",
        )
        parser.add_argument("--owner", metavar="USERNAME", help="The user to whom the client belongs.")
        parser.add_argument(
            "--public",
            action="store_true",
            help=("Public client that cannot keep a secret. Same as --token-endpoint-auth-method none."),
        )
        parser.add_argument(
            "--skip-consent", action="store_true", help="First-party app: people are not asked to allow it."
        )
        parser.add_argument(
            "--access-token-format",
            default="",
            help=("opaque or at+jwt. Default: the format of the resource or the issuer."),
        )
        parser.add_argument("--json", action="store_true", help="Print the RFC 7591 client information response.")
        add_member_flags(parser)

    def handle(self, *args: object, **options: Any) -> None:
        issuer = find_issuer(options["issuer"])
        if options["if_missing"] and (known := _known(options["client_id"], issuer)):
            self._leave(known, options)
            return
        check_profile(options["profile"], issuer)
        document = _document(options, issuer)
        check_format(options["access_token_format"], issuer)
        try:
            client, secret = create_client(
                document,
                issuer,
                owner=find_user(options["owner"]) if options["owner"] is not None else None,
                **{
                    name: options[name]
                    for name in ("client_id", "client_secret", "profile", "skip_consent", "access_token_format")
                },
            )
        except InvalidClientMetadata as exc:
            if options["if_missing"] and (known := _known(options["client_id"], issuer)):  # made meanwhile
                self._leave(known, options)
                return
            raise CommandError(f"{exc.member}: {exc.rule}") from exc
        self._warn(client, options["client_secret"])
        self._tell(client_information(client, secret), options)

    def _leave(self, known: Client, options: Mapping[str, Any]) -> None:
        words = _("The client %(client_id)s is already registered. Nothing was changed.")
        self.stderr.write(words % {"client_id": known.client_id})
        self._tell(client_information(known), options)

    def _tell(self, information: Mapping[str, object], options: Mapping[str, Any]) -> None:
        self.stdout.write(as_json(information) if options["json"] else in_words(information))

    def _warn(self, client: Client, chosen_secret: str) -> None:
        if client.grant_types and not client.scopes:
            words = _(
                "This client can't request any scope, so it gets no tokens: --scope was not given, and the issuer has no default_scopes."
            )
            self.stderr.write(self.style.WARNING(words))
        if chosen_secret and len(chosen_secret) < _SHORT_SECRET:
            words = _(
                "This secret is short. Secrets are stored as fast hashes, which are only safe for long random "
                "secrets. Omit --client-secret to generate one."
            )
            self.stderr.write(self.style.WARNING(words))


def _known(client_id: str, issuer: Issuer) -> Client | None:
    if not client_id:
        raise CommandError(_("--if-missing requires --client-id."))
    return known_client(client_id, issuer)


def _document(options: Mapping[str, Any], issuer: Issuer) -> dict[str, object]:
    """What is given, and then what follows from the kind, or is usual."""
    given = given_members(options)
    usual = _usual(given) if options["kind"] is None else _kind(options, issuer).follows
    return usual | given | ({"token_endpoint_auth_method": "none"} if options["public"] else {})


def _kind(options: Mapping[str, Any], issuer: Issuer) -> Kind:
    terms = terms_of(issuer, options["profile"])
    if kind := kind_named(options["kind"], terms):
        return kind
    known = ", ".join(one.name for one in kinds_for(terms))
    words = _("--kind %(kind)s: %(issuer)s does not offer what this kind of client needs. Choose one of: %(known)s.")
    raise CommandError(words % {"kind": options["kind"], "issuer": issuer, "known": known})


def _usual(given: Mapping[str, object]) -> dict[str, object]:
    """A client that keeps working when the person has left, or a resource server."""
    usual: dict[str, object] = {}
    if not {"grant_types", "response_types"} & given.keys():
        serves_only = "resource_identifiers" in given and "redirect_uris" not in given
        usual["grant_types"] = [] if serves_only else ["authorization_code", "refresh_token"]
    return usual
