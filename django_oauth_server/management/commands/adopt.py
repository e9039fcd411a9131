"""`manage.py adopt`: take over the clients and tokens of the authorization server that stood here before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.adoption.adopt import Progress, Report, adopt
from django_oauth_server.adoption.proposal import Proposal
from django_oauth_server.adoption.source import Source
from django_oauth_server.adoption.sources import SOURCES, source_named
from django_oauth_server.adoption.undo import undo
from django_oauth_server.component import Words
from django_oauth_server.issuer import Issuer
from django_oauth_server.management.arguments import find_issuer

COMES: Final[Mapping[str, Words]] = {
    "keys": gettext_lazy("signing keys, with their key IDs"),
    "clients": gettext_lazy("clients, with their IDs and secrets"),
    "foreign_secrets": gettext_lazy("of these secrets are hashed. The first use of each replaces its hash"),
    "access_tokens": gettext_lazy("access tokens"),
    "refresh_tokens": gettext_lazy("refresh tokens"),
    "ended": gettext_lazy("adopted tokens that have been revoked or rotated there since"),
}
STAYS: Final[Mapping[str, Words]] = {
    "known_keys": gettext_lazy("signing keys"),
    "known_clients": gettext_lazy("clients"),
    "known": gettext_lazy("tokens"),
}
CANNOT: Final[Mapping[str, Words]] = {
    "left_out": gettext_lazy("clients (the reasons are below)"),
    "of_left_out": gettext_lazy("tokens of these clients"),
    "of_disabled": gettext_lazy("tokens of disabled or deleted users"),
    "withdrawn": gettext_lazy("tokens of people who have removed the app here since"),
}

RETURNS: Final[Mapping[str, Words]] = {
    "new_there": gettext_lazy("clients that were registered here"),
    "changed_there": gettext_lazy("clients whose name, redirect URIs or consent setting were changed here"),
    "access_back": gettext_lazy("access tokens that were issued here"),
    "refresh_back": gettext_lazy("refresh tokens that were issued here"),
    "ended_there": gettext_lazy("tokens that have been revoked or rotated here"),
}
"""What is told to the source where the adoption is undone."""
STAYS_THERE: Final[Mapping[str, Words]] = {"known_there": gettext_lazy("clients")}
NEVER_RETURNS: Final[Mapping[str, Words]] = {
    "not_knowable": gettext_lazy(
        "tokens, because its version looks tokens up by their values, which nobody stores here"
    ),
    "jwts": gettext_lazy("JWT access tokens, because only a digest of their IDs is stored here"),
}


class _Run(Protocol):
    def __call__(self, source: Source, issuer: Issuer, now: datetime, *, write: bool, progress: Progress) -> Report: ...


class _Direction(NamedTuple):
    """Here or back: what is run, and the headings of what it counts."""

    run: _Run
    to_do: tuple[Words, Mapping[str, Words]]
    done: Words
    """The first heading, once it is done."""
    others: tuple[tuple[Words, Mapping[str, Words]], ...]

    def sections(self, *, applied: bool) -> tuple[tuple[Words, Mapping[str, Words]], ...]:
        heading, kinds = self.to_do
        return ((self.done if applied else heading, kinds), *self.others)


_ALONG: Final = _Direction(
    adopt,
    (gettext_lazy("To adopt from %(source)s at %(issuer)s:"), COMES),
    gettext_lazy("Adopted from %(source)s at %(issuer)s:"),
    (
        (gettext_lazy("Adopted earlier, and left as they are:"), STAYS),
        (gettext_lazy("Can't be adopted:"), CANNOT),
    ),
)
_BACK: Final = _Direction(
    undo,
    (gettext_lazy("To tell %(source)s:"), RETURNS),
    gettext_lazy("%(source)s was told:"),
    (
        (gettext_lazy("The same at %(source)s:"), STAYS_THERE),
        (gettext_lazy("%(source)s can't know:"), NEVER_RETURNS),
    ),
)


class Command(BaseCommand):
    help = (
        "Adopt the clients, tokens and signing keys of another authorization server in this project. Without --apply, only show "
        "what would be adopted. Safe to run alongside live traffic, and to run again: a second run adopts what is new."
    )

    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(SOURCES)
        parser.add_argument("source", help=f"{known}, or the dotted path of your own source.")
        parser.add_argument("--issuer", help="The issuer identifier. Default: the default issuer.")
        parser.add_argument("--apply", action="store_true", help="Adopt. Without it, nothing is written.")
        parser.add_argument(
            "--undo",
            action="store_true",
            help="Go back: tell the other server what has been issued, changed and revoked here since.",
        )
        parser.add_argument(
            "--settings-only",
            action="store_true",
            help="Only print the OAUTH_SERVER that follows from the other server's settings. Needs no OAUTH_SERVER.",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print the result as JSON.")

    def handle(
        self,
        *args: object,
        source: str,
        issuer: str | None,
        apply: bool,
        undo: bool,
        settings_only: bool,
        as_json: bool,
        **options: object,
    ) -> None:
        if settings_only:
            self.stdout.write(str(_find_proposal(source)))
            return
        self.check()
        of, at, direction = _find_source(source), find_issuer(issuer), _BACK if undo else _ALONG
        report = direction.run(of, at, timezone.now(), write=apply, progress=self._show_progress)
        self._clear_progress()
        if as_json:
            document = _document(report, of, at, direction, applied=apply)
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            self._tell(report, of, at, direction, applied=apply)

    def _tell(self, report: Report, source: Source, issuer: Issuer, direction: _Direction, *, applied: bool) -> None:
        words = {"source": source.label, "issuer": str(issuer)}
        for number, (heading, kinds) in enumerate(direction.sections(applied=applied)):
            self._tell_counts(str(heading) % words, kinds, report, always=not number)
        for client_id, remarks in report.remarks.items():
            self.stdout.write(_("Client %(client)s:") % {"client": client_id} if client_id else _("Notes:"))
            for one in dict.fromkeys(remarks):
                self.stdout.write(f"  {one}")
        if not applied:
            self.stdout.write(self.style.WARNING(_("Nothing was written. Run the command again with --apply.")))

    def _tell_counts(self, heading: str, kinds: Mapping[str, Words], report: Report, *, always: bool = False) -> None:
        counted = {name: report.counts[name] for name in kinds if report.counts[name]}
        if counted or always:
            self.stdout.write(heading)
        for name, number in counted.items():
            self.stdout.write(f"  {number} {kinds[name]}")
        if always and not counted:
            self.stdout.write(f"  {_('nothing new')}")

    def _show_progress(self, report: Report) -> None:
        """In place of the line before."""
        if self.stdout.isatty():
            line = ", ".join(
                f"{report.counts[name]} {kind}"
                for name, kind in {**COMES, **STAYS, **RETURNS}.items()
                if report.counts[name]
            )
            self.stdout.write(f"\r{line[:110]:<110}", ending="\r")
            self.stdout.flush()

    def _clear_progress(self) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{'':<110}", ending="\r")


def _find_proposal(name: str) -> Proposal:
    source = _find_source(name)
    if proposal := source.proposal():
        return proposal
    raise CommandError(_("No settings follow from those of %(source)s.") % {"source": source.label})


def _find_source(name: str) -> Source:
    try:
        source = source_named(name)
    except LookupError as exc:
        raise CommandError(
            _("There is no source %(name)s. Choose one of: %(known)s.") % {"name": name, "known": ", ".join(SOURCES)}
        ) from exc
    if not source.is_there():
        raise CommandError(_("%(source)s is not in INSTALLED_APPS.") % {"source": source.label})
    return source


def _document(
    report: Report, source: Source, issuer: Issuer, direction: _Direction, *, applied: bool
) -> dict[str, object]:
    counted = {name: report.counts[name] for _heading, kinds in direction.sections(applied=applied) for name in kinds}
    return {
        "source": source.name,
        "issuer": str(issuer),
        "applied": applied,
        **counted,
        "remarks": report.remarks,
    }
