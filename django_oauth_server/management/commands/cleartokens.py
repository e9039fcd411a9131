"""`manage.py cleartokens`: delete what is dead for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from time import monotonic, sleep

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_oauth_server.component import Sweep
from django_oauth_server.management.arguments import number
from django_oauth_server.registry import all_components
from django_oauth_server.storage.announcements import announce_all
from django_oauth_server.storage.cleanup import batches, sweeps


class Command(BaseCommand):
    help = (
        "Delete tokens, codes and authorizations that can never be used again. Safe to run alongside live "
        "traffic. Run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch-size", type=number(int, 1, 10_000), default=1000, help="Rows per transaction (default: 1000)."
        )
        parser.add_argument(
            "--pause",
            type=number(float, 0, 3600),
            default=0.0,
            metavar="SECONDS",
            help="Pause between transactions (default: 0).",
        )
        parser.add_argument(
            "--max-batches",
            type=number(int, 1, 1_000_000),
            metavar="NUMBER",
            help="Stop after this many batches. The next run continues.",
        )
        parser.add_argument(
            "--keep-revoked",
            type=number(int, 0, 36_500),
            default=30,
            metavar="DAYS",
            help="How long revoked authorizations are kept (default: 30).",
        )

    def handle(
        self,
        *args: object,
        batch_size: int,
        pause: float,
        max_batches: int | None,
        keep_revoked: int,
        **options: object,
    ) -> None:
        announce_all()
        deleted: dict[Sweep, int] = {}
        began = monotonic()
        due = tuple(sweeps(all_components(), timezone.now(), timedelta(days=keep_revoked)))
        for sweep, rows in islice(_batches(due, batch_size), max_batches):
            deleted[sweep] = deleted.get(sweep, 0) + rows
            self._show_progress(
                f"{deleted[sweep]} {sweep.words} … ({sum(deleted.values()) / (monotonic() - began):,.0f}/s)"
            )
            sleep(pause)
        self._show_progress("")
        for sweep in due:
            self.stdout.write(f"{deleted.get(sweep, 0)} {sweep.words}")
        if max_batches is not None:
            self.stdout.write(_("Stopped at the limit of %(number)d batches.") % {"number": max_batches})

    def _show_progress(self, line: str) -> None:
        """In place of the line before, whatever its length."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{line:<70}", ending="\r")
            self.stdout.flush()


def _batches(due: tuple[Sweep, ...], size: int) -> Iterator[tuple[Sweep, int]]:
    return ((sweep, rows) for sweep in due for rows in batches(sweep, size))
