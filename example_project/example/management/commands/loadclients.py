"""`manage.py loadclients DOCUMENT`: people and clients as a document describes them, all or nothing.

The document is a JSON object: `issuer`, which must be this server's; `users`, each with `username`, `password` and `claims`; `clients`, each an
RFC 7591 document with `client_id` and, where its method needs one, `client_secret`. A client's `profile` names the policy that binds it.
Loading it again changes nothing; loading a changed document updates what has changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from people.loading import load_person

from django_oauth_server.clients.metadata import choices_of, members_of, terms_of
from django_oauth_server.clients.registration import create_client, revise_client, validate
from django_oauth_server.component import Terms
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer

PROFILES = {"": "openid_connect"}
"""From a client's `profile` to the policy that binds it. Absent: that of OpenID Connect certification."""
OF_CLIENT = ("client_id", "client_secret", "profile")
"""What a client has in the document beside its metadata."""
KINDS = {str: "a string", list: "a list", dict: "an object"}


class Refused(Exception):
    """The document cannot be loaded: the member at fault, and the rule."""

    def __init__(self, member: str, rule: str) -> None:
        super().__init__(f"{member}: {rule}")


class Unsupported(Refused):
    """What a client needs is not offered here."""


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("document", type=Path, help="a JSON file")
        parser.add_argument(
            "--skip-unsupported",
            action="store_true",
            help="leave out clients that need what is not offered, and say so",
        )

    def handle(self, *args: object, document: Path, skip_unsupported: bool, **options: Any) -> None:
        try:
            with transaction.atomic():
                said = list(_load(_read(document), skip_unsupported=skip_unsupported))
        except Refused as exc:
            raise CommandError(f"{exc} Nothing was loaded.") from exc
        for line in said:
            self.stdout.write(line)


def _read(document: Path) -> dict[str, object]:
    try:
        found = json.loads(document.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise CommandError(f"{document} cannot be read as JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise CommandError(f"{document} is no JSON object.")
    return found


def _load(document: Mapping[str, object], *, skip_unsupported: bool) -> Iterator[str]:
    issuer = _member(document, "issuer", str)
    if issuer != settings.ISSUER:
        raise Refused("issuer", f"It is {issuer}, and this server is {settings.ISSUER} (OAUTH_ISSUER).")
    for where, described in _each(document, "users", "username"):
        yield _load_user(where, described)
    for where, described in _each(document, "clients", "client_id"):
        try:
            yield _load_client(where, described)
        except Unsupported as exc:
            if not skip_unsupported:
                raise
            yield f"skipped {described['client_id']}: {exc}"


def _each(document: Mapping[str, object], name: str, key: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Those of the list *name*, each with its place. Raises `Refused` where two have the same *key*."""
    seen: dict[str, str] = {}
    for number, described in enumerate(_member(document, name, list)):
        where = f"{name}[{number}]"
        if not isinstance(described, dict):
            raise Refused(where, "It must be an object.")
        first = seen.setdefault(_member(described, key, str, where), where)
        if first != where:
            raise Refused(f"{where}.{key}", f"It is that of {first}.")
        yield where, described


def _load_user(where: str, described: Mapping[str, object]) -> str:
    username, password = (_member(described, name, str, where) for name in ("username", "password"))
    try:
        done = load_person(username, password, _member(described, "claims", dict, where))
    except ValidationError as exc:
        member, messages = next(iter(exc.message_dict.items()))
        raise Refused(f"{where}.{member}", messages[0]) from exc
    return f"{done or 'unchanged'} user {username}"


def _load_client(where: str, described: Mapping[str, object]) -> str:
    client_id, secret, profile = (_member(described, name, str, where, absent="") for name in OF_CLIENT)
    if profile not in PROFILES:
        raise Unsupported(f"{where}.profile", f"{profile!r} is not offered here.")
    document = {name: value for name, value in described.items() if name not in OF_CLIENT}
    _check_supported(where, document, terms_of(default_issuer(), PROFILES[profile]))
    try:
        done = _keep_client(client_id, secret, PROFILES[profile], document)
    except InvalidClientMetadata as exc:
        raise Refused(f"{where}.{exc.member}", exc.rule) from exc
    return f"{done or 'unchanged'} client {client_id}"


def _keep_client(client_id: str, secret: str, profile: str, document: Mapping[str, object]) -> str:
    """Returns what was done: `created`, `updated`, or nothing. Raises `InvalidClientMetadata`."""
    issuer = default_issuer()
    client = Client.objects.filter(issuer=issuer.settings.issuer, client_id=client_id).first()
    if client is None:
        _, made = create_client(document, issuer, client_id=client_id, client_secret=secret, profile=profile)
        _check_given(secret, made)
        return "created"
    metadata = validate(document, terms_of(issuer, profile), operator=True)
    same_secret = client.has_secret(secret, timezone.now()) if secret else not client.secret_digest
    if same_secret and (client.metadata, client.profile) == (metadata, profile):
        return ""
    client.profile = profile
    _check_given(secret, revise_client(client, metadata, issuer, client_secret=secret) or client.secret_digest)
    client.save()
    return "updated"


def _check_given(secret: str, needed: str) -> None:
    """A secret that was made here would be known to nobody."""
    if needed and not secret:
        raise InvalidClientMetadata("client_secret", "It is missing, and what the client registers needs one.")


def _check_supported(where: str, document: Mapping[str, object], terms: Terms) -> None:
    members = members_of(terms)
    for name, value in document.items():
        if name not in members:
            raise Unsupported(f"{where}.{name}", "There is no such member here.")
        if members[name].kind in {"choice", "choices", "scope"}:
            values = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
            offered = choices_of(members[name], terms)
            if foreign := [one for one in values if isinstance(one, str) and one not in offered]:
                raise Unsupported(f"{where}.{name}", f"{foreign[0]!r} is not offered here.")


def _member(within: Mapping[str, object], name: str, kind: type, where: str = "", *, absent: Any = None) -> Any:
    """The member *name* of *within*. Raises `Refused` where it is missing, unless *absent* may stand for it, or of another kind."""
    value = within.get(name, absent)
    if not isinstance(value, kind) or (value == "" and absent is None):
        place = f"{where}.{name}" if where else name
        raise Refused(place, "It is missing." if value in (None, "") else f"It must be {KINDS[kind]}.")
    return value
