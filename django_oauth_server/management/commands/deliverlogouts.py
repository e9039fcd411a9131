"""`manage.py deliverlogouts`: tell relying parties that sessions ended."""

from __future__ import annotations

from time import sleep

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils.translation import gettext as _

from django_oauth_server.logout.delivery import deliver_due
from django_oauth_server.management.arguments import number


class Command(BaseCommand):
    help = (
        "Deliver pending back-channel logout notifications. Safe to run alongside live traffic and other runs "
        "of this command."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--forever", action="store_true", help="Keep running until stopped.")
        parser.add_argument(
            "--pause",
            type=number(float, 0, 3600),
            default=5.0,
            metavar="SECONDS",
            help=("Pause between checks for new notifications (default: 5)."),
        )

    def handle(self, *args: object, forever: bool, pause: float, **options: object) -> None:
        self._deliver()
        while forever:
            sleep(pause)
            close_old_connections()
            self._deliver()

    def _deliver(self) -> None:
        if made := deliver_due():
            self.stdout.write(_("Delivery attempts: %(number)d") % {"number": made})
