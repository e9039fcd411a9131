"""`manage.py protection`: what each route requires, and what is open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.resource.routes.base import Route, routes

_HEAD: Final = ("", "METHOD", "PATH", "REQUIRES", "BY", "")
_ANY: Final = "ANY"


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # they point here
    help = "Show which routes are protected, what they require and how, and which are open."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--prefix", default="/", help="Only show paths that start with this prefix.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print a JSON list, for scripts.")
        parser.add_argument(
            "--fail-on-open",
            action="store_true",
            help=(
                "Exit with status 1 if a route is or may be open without being declared open, either in code "
                "(open_resource) or with --allow."
            ),
        )
        parser.add_argument(
            "--allow",
            action="append",
            default=[],
            metavar="PATTERN",
            help="Pattern of a route that may be open: '/accounts/*' or 'GET /status'. May be repeated.",
        )
        parser.add_argument(
            "--allow-file",
            type=Path,
            metavar="FILE",
            help=("File with such patterns, one per line. Lines starting with # are comments."),
        )

    def handle(self, *args: object, **options: Any) -> None:
        shown = [route for route in routes() if _is_shown(route, options["prefix"])]
        if options["as_json"]:
            self.stdout.write(json.dumps([_as_json(route) for route in shown], indent=2, ensure_ascii=False))
        else:
            self._write_table(shown)
        if options["fail_on_open"]:
            _fail(shown, [*options["allow"], *_patterns(options["allow_file"])])

    def _write_table(self, shown: Sequence[Route]) -> None:
        rows = [_HEAD, *map(_row, shown)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.stdout.write(line, self.style.ERROR if row[0] else None)
        number, unknown = sum(route.is_open for route in shown), sum(route.is_unknown for route in shown)
        self.stdout.write()
        self.stdout.write(_summary(len(shown), number), self.style.ERROR if number else self.style.SUCCESS)
        if unknown:
            words = ngettext("%(number)d route is UNKNOWN.", "%(number)d routes are UNKNOWN.", unknown)
            self.stdout.write(words % {"number": unknown}, self.style.ERROR)


def _is_shown(route: Route, prefix: str) -> bool:
    """What cannot be read may lead to any address below it."""
    return route.path.startswith(prefix) or (route.is_unknown and route.may_be_below(prefix))


def _summary(all_routes: int, number: int) -> str:
    if not number:
        return _("No open routes. Routes checked: %(all)d.") % {"all": all_routes}
    words = ngettext("%(open)d of %(all)d routes is OPEN.", "%(open)d of %(all)d routes are OPEN.", number)
    return words % {"open": number, "all": all_routes}


def _state(route: Route) -> str:
    return "OPEN" if route.is_open else "UNKNOWN" if route.is_unknown else ""


def _notes(route: Route) -> str:
    return "; ".join(filter(None, (route.note, f"not known: {route.doubt}" if route.doubt else "")))


def _row(route: Route) -> tuple[str, ...]:
    named = route.view if _state(route) else ""
    more = [_notes(route), "on purpose" if _state(route) and route.on_purpose else "", named]
    return (
        _state(route),
        ",".join(route.methods) or _ANY,
        _place(route),
        route.words,
        route.mechanism,
        "; ".join(filter(None, more)),
    )


def _place(route: Route) -> str:
    return f"{route.path} {route.operation}".rstrip()


def _as_json(route: Route) -> dict[str, object]:
    """`scopes` are the alternatives, the preferred first; null where no token is asked for."""
    asked = route.requirement
    return {
        "path": route.path,
        "operation": route.operation,
        "methods": list(route.methods),
        "view": route.view,
        "open": route.is_open,
        "unknown": route.is_unknown,
        "on_purpose": route.on_purpose,
        "requires": route.words,
        "scopes": None if asked is None else [format_scope(scopes) for scopes in asked.alternatives],
        "mechanism": route.mechanism,
        "note": _notes(route),
    }


def _patterns(file: Path | None) -> Iterator[str]:
    if file is None:
        return
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise CommandError(_("%(file)s cannot be read: %(reason)s") % {"file": file, "reason": exc}) from exc
    yield from filter(None, (line.partition("#")[0].strip() for line in lines))


def _fail(shown: Iterable[Route], allowed: Sequence[str]) -> None:
    failing = [route for route in shown if _state(route) and not route.on_purpose and not _is_allowed(route, allowed)]
    if failing:
        named = "\n".join(map(_described, failing))
        raise CommandError(_("Open, but not declared as open:\n%(routes)s") % {"routes": named})


def _described(route: Route) -> str:
    words = f"  {','.join(route.methods) or _ANY} {_place(route)} ({route.view})"
    return f"{words}: {_notes(route)}" if route.is_unknown else words


def _is_allowed(route: Route, allowed: Sequence[str]) -> bool:
    """Each of its methods: `GET /status` allows no POST there."""
    return all(any(_matches(pattern, method, route.path) for pattern in allowed) for method in route.methods or (_ANY,))


def _matches(pattern: str, method: str, path: str) -> bool:
    named, _, rest = pattern.rpartition(" ")
    return fnmatchcase(path, rest) and named.strip().upper() in {"", method}
