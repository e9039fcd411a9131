"""`manage.py linkidentity`: say which user a trusted issuer means by a subject."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_oauth_server.conf.trusted_issuers import TrustedIssuer, is_name, trusted_with_people
from django_oauth_server.management.arguments import find_user
from django_oauth_server.registry import issuers
from django_oauth_server.storage.linked_identities import find_identity, link, unlink


class Command(BaseCommand):
    help = (
        "Link the subject of a trusted issuer to a user: linkidentity alice https://idp.example 00u1a2b3c4. "
        "With --remove, remove the link, and end what the issuer allowed apps for this user."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="The user.")
        parser.add_argument("issuer", help="The trusted issuer, as the setting “trusted_issuers” names it.")
        parser.add_argument("subject", help="The “sub” claim of the issuer's assertions. It must match exactly.")
        parser.add_argument("--remove", action="store_true", help="Remove the link.")

    def handle(self, *args: object, username: str, issuer: str, subject: str, remove: bool, **options: object) -> None:
        user, trusted, now = find_user(username), _find_trusted(issuer), timezone.now()
        found = find_identity(trusted.issuer, trusted.tenant, subject)
        if remove:
            if found is None or found.user_id != user.pk:
                raise CommandError(_("This subject is not linked to this user."))
            unlink([found], now)
            self.stdout.write(_("%(user)s is no longer linked to this subject.") % {"user": user})
            return
        if found is None:
            if not is_name(subject):
                raise CommandError(_("Enter a subject of at most 255 printable characters."))
            link(user, trusted.issuer, trusted.tenant, subject, now)
        elif found.user_id != user.pk:
            raise CommandError(_("This subject is already linked to another user."))
        self.stdout.write(_("%(user)s is linked to this subject.") % {"user": user})


def _find_trusted(name: str) -> TrustedIssuer:
    """By the issuer identifier, which is enough where one tenant of it is trusted; else as it is called with its tenant."""
    known = trusted_with_people(issuer.settings for issuer in issuers())
    found = [one for called, one in known.items() if called == name] or [
        one for one in known.values() if one.issuer == name
    ]
    if len(found) == 1:
        return found[0]
    raise CommandError(
        _("There is no trusted issuer %(issuer)s. Choose one of: %(known)s.")
        % {"issuer": name or '""', "known": ", ".join(known) or "–"}
    )
