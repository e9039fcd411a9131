"""What the commands are told."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer, issuer_named, issuers
from django_oauth_server.storage.clients import stored_client
from django_oauth_server.storage.people import find_by_username

N = TypeVar("N", int, float)


def number(kind: Callable[[str], N], least: int, most: int) -> Callable[[str], N]:
    """What reads a number of *kind* that lies between these."""

    def read(text: str) -> N:
        try:
            if least <= (value := kind(text)) <= most:
                return value
        except ValueError:
            pass
        raise ArgumentTypeError(_("enter a number from %(least)d to %(most)d") % {"least": least, "most": most})

    return read


def find_issuer(identifier: str | None) -> Issuer:
    """The issuer that is named, or the default one. Raises `CommandError`, also for an empty name, as an unset variable of a shell is none."""
    try:
        return default_issuer() if identifier is None else issuer_named(identifier)
    except LookupError as exc:
        known = ", ".join(str(issuer) for issuer in issuers())
        raise CommandError(
            _("There is no issuer %(issuer)s. Choose one of: %(known)s.")
            % {"issuer": identifier or '""', "known": known}
        ) from exc


def known_client(client_id: str, issuer: Issuer) -> Client | None:
    """The client of this ID at *issuer*, whatever its state."""
    return stored_client(str(issuer), client_id)


def find_client(client_id: str, issuer: Issuer) -> Client:
    """The same. Raises `CommandError` where there is none."""
    client = known_client(client_id, issuer)
    if client is None:
        raise CommandError(
            _("There is no client %(client_id)s at %(issuer)s.") % {"client_id": client_id or '""', "issuer": issuer}
        )
    return client


def find_user(username: str) -> AbstractBaseUser:
    """The user of this name. Raises `CommandError` where there is none."""
    found = find_by_username(username)
    if found is None:
        raise CommandError(_("There is no user %(username)s.") % {"username": username})
    return found


def as_json(value: object, *, indent: int | None = 2) -> str:
    """*value* as a script reads it."""
    return json.dumps(value, indent=indent, ensure_ascii=False, cls=DjangoJSONEncoder)


def check_profile(name: str, issuer: Issuer) -> None:
    """Raise `CommandError` unless a client of *issuer* can be bound to the profile *name*; empty, to none."""
    known = issuer.settings.profiles
    if name and name not in known:
        raise CommandError(
            _("There is no profile %(profile)s. Choose one of: %(known)s.")
            % {"profile": name, "known": ", ".join(known)}
        )
