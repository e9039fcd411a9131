"""`manage.py rotatekeys`: the next signing keys."""

from __future__ import annotations

from datetime import datetime

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.rotation import KeysAreFiles, Rotation, rotate, rotate_all
from django_oauth_server.management.arguments import find_issuer
from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.storage.signing_keys import issuers_with_keys

_SAYS = {
    "published": gettext_lazy("Key {kid} ({alg}) is published. It starts signing at {time}."),
    "signs": gettext_lazy("Key {kid} ({alg}) is published and now used for signing."),
    "promoted": gettext_lazy("Key {kid} ({alg}) was already published and is now used for signing."),
    "waiting": gettext_lazy(
        "Key {kid} ({alg}) is already published. It starts signing at {time}. Nothing was changed. Use --now to "
        "start signing with it immediately."
    ),
}


class Command(BaseCommand):
    help = (
        "Publish the next signing key of each algorithm. It starts signing once resource servers have had "
        "time to fetch it. Run this command whenever keys should change."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument(
            "--now", action="store_true", dest="at_once", help=("Start signing with the new keys immediately.")
        )
        parser.add_argument(
            "--alg",
            choices=ALGORITHMS,
            help="Only rotate the keys of this algorithm. Default: all supported algorithms.",
        )

    def handle(self, *args: object, issuer: str | None, at_once: bool, alg: str | None, **options: object) -> None:
        named, now = find_issuer(issuer), timezone.now()
        if at_once:
            _check_has_keys(named)
        try:
            rotations = (
                [rotate(named, now=now, at_once=at_once, alg=alg)]
                if alg
                else rotate_all(named, now=now, at_once=at_once)
            )
        except KeysAreFiles as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(_("Signing keys of {issuer}:").format(issuer=named))
        for rotation in rotations:
            self.stdout.write("\n".join(_sentences(rotation)))


def _check_has_keys(issuer: Issuer) -> None:
    """Whoever replaces a key at once has one in mind: if there is none, the settings are not those of the server."""
    known = issuers_with_keys()
    if issuer.settings.signing_key_files or str(issuer) in known:
        return
    said = _("{issuer} has no signing key to replace.").format(issuer=issuer)
    if known:
        said += " " + _(
            "This database has keys of {known}. Run this command with the server's settings and environment."
        ).format(known=", ".join(known))
    raise CommandError(said)


def _sentences(rotation: Rotation) -> list[str]:
    key = rotation.key
    return [
        _SAYS[rotation.outcome].format(kid=key.kid, alg=key.alg, time=_time(key.signs_from)),
        *(
            _("Key {kid} stays published until {time}.").format(kid=one.kid, time=_time(one.expires_at))
            for one in rotation.retired
            if one.expires_at
        ),
        *(_("Key {kid} had expired and was removed.").format(kid=one.kid) for one in rotation.removed),
    ]


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
