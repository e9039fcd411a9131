"""`manage.py createinitialaccesstoken`: let somebody register clients."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Final

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_oauth_server.clients.self_registration import new_initial_access_token
from django_oauth_server.management.arguments import check_profile, find_issuer, number
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.protocol.text import unseen
from django_oauth_server.storage.initial_access_tokens import add_initial_access_token

_positive: Final = number(int, 1, 99_999)
_LONGEST_LABEL: Final = 200


class Command(BaseCommand):
    help = (
        "Create an initial access token, which lets somebody register clients while the setting “registration” is not “off”: "
        "createinitialaccesstoken 'Partner, for their staging' --uses 1 --expires-in 30"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("label", type=_label, help="Who this token is given to, and what for.")
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument(
            "--uses", type=_positive, metavar="NUMBER", help=("Maximum number of clients. Default: no limit.")
        )
        parser.add_argument(
            "--expires-in", type=_positive, metavar="DAYS", help=("Days until the token expires. Default: never.")
        )
        parser.add_argument("--profile", default="", help="Security profile of clients registered with this token.")
        parser.add_argument(
            "--allow-client-credentials",
            action="store_true",
            help=("Let clients registered with this token use client_credentials."),
        )

    def handle(
        self,
        *args: object,
        label: str,
        issuer: str | None,
        uses: int | None,
        expires_in: int | None,
        profile: str,
        allow_client_credentials: bool,
        **options: object,
    ) -> None:
        named = find_issuer(issuer)
        check_profile(profile, named)
        token = InitialAccessToken(
            issuer=str(named),
            label=label,
            uses=uses,
            expires_at=timezone.now() + timedelta(days=expires_in) if expires_in else None,
            profile=profile,
            allow_client_credentials=allow_client_credentials,
        )
        value = new_initial_access_token(token)
        add_initial_access_token(token)
        if named.settings.registration == "off":
            self.stderr.write(
                self.style.WARNING(_("The “registration” setting is “off”, so this token can't be used yet."))
            )
        self.stderr.write(_("Copy it now. It cannot be shown again."))
        self.stdout.write(value)


def _label(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= _LONGEST_LABEL or unseen(text):
        raise ArgumentTypeError(_("enter a text of at most %(most)d characters") % {"most": _LONGEST_LABEL})
    return text
