"""A flag for each member of a client's metadata (RFC 7591), as commands read them, and the document that they describe."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_oauth_server.clients.metadata import members_of, terms_of
from django_oauth_server.component import Member
from django_oauth_server.issuer import Issuer
from django_oauth_server.registry import issuers
from django_oauth_server.tokens.formats.base import TokenFormat

_LISTS: Final = frozenset({"uris", "choices", "texts"})
_PREFIX: Final = "member_"


def add_member_flags(parser: CommandParser) -> None:
    """`--metadata`, and a flag for each member that any issuer knows."""
    parser.add_argument(
        "--metadata",
        default="{}",
        metavar="JSON",
        help=("Client metadata as a JSON object (RFC 7591). Flags take precedence."),
    )
    group = parser.add_argument_group("metadata (RFC 7591)")
    members = {name: member for issuer in issuers() for name, member in members_of(terms_of(issuer)).items()}
    for member in members.values():
        words = str(member.help).replace("%", "%%")
        group.add_argument(*_flags(member), **_reading(member), dest=_PREFIX + member.name, help=words)


def given_members(options: Mapping[str, Any]) -> dict[str, object]:
    """What `--metadata` has, then the flags. Raises `CommandError`."""
    try:
        document = json.loads(options["metadata"])
    except ValueError as exc:
        raise CommandError(_("--metadata is not JSON: %(reason)s") % {"reason": exc}) from exc
    if not isinstance(document, dict):
        raise CommandError(_('--metadata must be a JSON object, for example {"client_name": "Notebook"}.'))
    flags = {name.removeprefix(_PREFIX): value for name, value in options.items() if name.startswith(_PREFIX)}
    return document | {name: value for name, value in flags.items() if value is not None}


def check_format(name: str, issuer: Issuer) -> None:
    """Raise `CommandError` unless *issuer* has the access token format *name*; empty: the default one."""
    formats = issuer.components.of(TokenFormat)
    if name and name not in formats:
        raise CommandError(
            _("access_token_format: %(name)r is not supported. Choose one of: %(known)s.")
            % {"name": name, "known": ", ".join(formats)}
        )


def in_words(information: Mapping[str, object]) -> str:
    """A client information response (RFC 7591 section 3.2.1), line by line."""
    lines = [f"{name}: {_in_line(value)}" for name, value in information.items() if not name.endswith("_at")]
    if "client_secret" in information:
        lines.append(_("Copy the secret now. It cannot be shown again."))
    return "\n".join(lines)


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


def _in_line(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)
