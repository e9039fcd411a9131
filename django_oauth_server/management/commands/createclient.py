"""`manage.py createclient`: register a client. There is a flag for each member of its metadata."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from django_oauth_server.clients.metadata import members_of, terms_of
from django_oauth_server.clients.registration import client_information, create_client
from django_oauth_server.component import Member
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.issuer import Issuer
from django_oauth_server.management.arguments import check_profile, find_issuer
from django_oauth_server.models import Client
from django_oauth_server.registry import issuers
from django_oauth_server.tokens.formats.base import TokenFormat

_SHORT_SECRET: Final = 32
_LISTS: Final = frozenset({"uris", "choices", "texts"})
_PREFIX: Final = "member_"


class Command(BaseCommand):
    help = (
        "Register a client. Without more, one that has a secret and uses the authorization code and refresh token grants: "
        "createclient --client-name Notebook --redirect-uri https://notebook.example/callback --scope 'notes:read'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--client-id", default="", help="The client ID. Omit to generate one.")
        parser.add_argument(
            "--client-secret", default="", help=("The client secret. Omit to generate one, which is safer.")
        )
        parser.add_argument("--profile", default="", help="A security profile stricter than the issuer's.")
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
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="Print the RFC 7591 client information response."
        )
        parser.add_argument(
            "--metadata",
            default="{}",
            metavar="JSON",
            help=("Client metadata as a JSON object (RFC 7591). Flags take precedence."),
        )
        self._add_member_flags(parser)

    def handle(self, *args: object, **options: Any) -> None:
        issuer = find_issuer(options["issuer"])
        document = _document(options)
        check_profile(options["profile"], issuer)
        _check_format(options["access_token_format"], issuer)
        try:
            client, secret = create_client(
                document,
                issuer,
                **{
                    name: options[name]
                    for name in ("client_id", "client_secret", "profile", "skip_consent", "access_token_format")
                },
            )
        except InvalidClientMetadata as exc:
            raise CommandError(f"{exc.member}: {exc.rule}") from exc
        self._warn(client, options["client_secret"])
        information = client_information(client, secret)
        self.stdout.write(
            json.dumps(information, indent=2, ensure_ascii=False) if options["as_json"] else _in_words(information)
        )

    def _add_member_flags(self, parser: CommandParser) -> None:
        group = parser.add_argument_group("metadata (RFC 7591)")
        members = {name: member for issuer in issuers() for name, member in members_of(terms_of(issuer)).items()}
        for member in members.values():
            words = str(member.help).replace("%", "%%")
            group.add_argument(*_flags(member), **_reading(member), dest=_PREFIX + member.name, help=words)

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


def _flags(member: Member) -> list[str]:
    """`--redirect-uris`; and `--redirect-uri`, which reads better where it is repeated."""
    flag = "--" + member.name.replace("_", "-")
    return [flag, flag.removesuffix("s")] if member.kind in _LISTS and flag.endswith("s") else [flag]


def _reading(member: Member) -> dict[str, Any]:
    if member.kind in _LISTS:
        return {"action": "extend", "nargs": "*", "metavar": "URI" if member.kind == "uris" else "VALUE"}
    if member.kind == "flag":
        return {"action": argparse.BooleanOptionalAction}
    if member.kind == "number":
        return {"type": int, "metavar": "NUMBER"}
    return {"type": _json, "metavar": "JSON"} if member.kind == "json" else {"metavar": member.kind.upper()}


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(_("not JSON: %(reason)s") % {"reason": exc}) from exc


def _document(options: Mapping[str, Any]) -> dict[str, object]:
    """What `--metadata` has, then the flags, then what is usual."""
    try:
        document = json.loads(options["metadata"])
    except ValueError as exc:
        raise CommandError(_("--metadata is not JSON: %(reason)s") % {"reason": exc}) from exc
    if not isinstance(document, dict):
        raise CommandError(_('--metadata must be a JSON object, for example {"client_name": "Notebook"}.'))
    flags = {name.removeprefix(_PREFIX): value for name, value in options.items() if name.startswith(_PREFIX)}
    given = document | {name: value for name, value in flags.items() if value is not None}
    return _usual(given) | given | ({"token_endpoint_auth_method": "none"} if options["public"] else {})


def _usual(given: Mapping[str, object]) -> dict[str, object]:
    """A client that keeps working when the person has left, or a resource server."""
    usual: dict[str, object] = {}
    if not {"grant_types", "response_types"} & given.keys():
        serves_only = "resource_identifiers" in given and "redirect_uris" not in given
        usual["grant_types"] = [] if serves_only else ["authorization_code", "refresh_token"]
    return usual


def _check_format(name: str, issuer: Issuer) -> None:
    formats = issuer.components.of(TokenFormat)
    if name and name not in formats:
        raise CommandError(
            _("access_token_format: %(name)r is not supported. Choose one of: %(known)s.")
            % {"name": name, "known": ", ".join(formats)}
        )


def _in_words(information: Mapping[str, object]) -> str:
    lines = [f"{name}: {_in_line(value)}" for name, value in information.items() if not name.endswith("_at")]
    if "client_secret" in information:
        lines.append(_("Copy the secret now. It cannot be shown again."))
    return "\n".join(lines)


def _in_line(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)
