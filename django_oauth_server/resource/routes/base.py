"""Every route of the project, in the order of its paths."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

from django.contrib.admindocs.utils import (
    remove_non_capturing_groups,
    replace_metacharacters,
    replace_named_groups,
    replace_unnamed_groups,
)
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern

from django_oauth_server.resource.locations import APP_NAME
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.routes import django, middleware
from django_oauth_server.resource.routes.protection import Protection, dotted, grouped

FRAMEWORKS: Final = (
    ("rest_framework.views", "django_oauth_server.resource.routes.rest_framework"),
    ("ninja.operation", "django_oauth_server.resource.routes.ninja"),
)
"""A framework's module, and ours that reads its views. A framework that nothing has imported has no views here."""

PROTOCOL: Final = frozenset({APP_NAME, "oauth_server"})
"""Application namespaces whose views are open to whom their specifications say: a token endpoint authenticates clients by itself."""

_PARAMETER = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
_LITERAL = re.compile(r"(?:\\[^\w]|[^\\.^$*+?{}\[\]|()])*")
_OPTIONAL = ("?", "*", "{")
_END = frozenset({"$", r"\Z"})
_TOKEN = re.compile(r"\\.|\[\^?\]?[^\]]*\]|.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One view at one path, for some methods, and what it requires."""

    path: str
    methods: tuple[str, ...]
    """Empty: any."""
    view: str
    mechanism: str
    """By what it is protected."""
    words: str
    """All that a caller needs. Empty: nothing."""
    requirement: Requirement | None
    """What of it is asked of a token."""
    beginning: str
    """What every address of it begins with; it ends with `<` where more follows that varies."""
    on_purpose: bool
    """Whether the view says that it is open (`open_resource`)."""
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nothing is known that keeps a stranger out."""
        return not self.words


@dataclass(frozen=True, slots=True)
class _Place:
    path: str = "/"
    beginning: str = "/"
    apps: tuple[str, ...] = ()

    def below(self, pattern: Any, app: str | None = None) -> _Place:
        path, beginning = _piece(pattern)
        beginning = self.beginning if self.beginning.endswith("<") else self.beginning + beginning
        return _Place(self.path + path, beginning, (*self.apps, app) if app else self.apps)


def routes(urlconf: str | None = None) -> tuple[Route, ...]:
    """All routes of *urlconf*, the project's without one, by path."""
    found = sorted(
        (
            _route(place, view, protection)
            for place, view in _views(get_resolver(urlconf).url_patterns, _Place())
            for protection in _protections(view, place)
        ),
        key=lambda one: (one.path, one.methods, one.view),
    )
    return tuple(
        one for one, before in zip(found, [None, *found], strict=False) if one != before
    )  # Ninja names a path twice


def _views(patterns: list[Any], place: _Place) -> Iterator[tuple[_Place, Any]]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _views(one.url_patterns, place.below(one.pattern, one.app_name))
        elif isinstance(one, URLPattern):
            yield place.below(one.pattern), one.callback


def _route(place: _Place, view: Any, protection: Protection) -> Route:
    return Route(
        path=place.path,
        methods=protection.methods,
        view=protection.view,
        mechanism=protection.mechanism,
        words=protection.words,
        requirement=protection.requirement,
        beginning=place.beginning,
        on_purpose=bool(getattr(view, "is_open", False)),
        note=protection.note,
    )


def _protections(view: Any, place: _Place) -> list[Protection]:
    """What the framework of *view* says, behind the decorators around it, behind the middleware."""
    own = next((found for read in _readers() if (found := read(view))), [Protection()])
    outer = django.around(view).behind(middleware.before(view, place.beginning))
    protections = [replace(one, view=one.view or dotted(view)).behind(outer) for one in own]
    return [_by_protocol(one) if PROTOCOL & set(place.apps) else one for one in grouped(protections)]


def _by_protocol(protection: Protection) -> Protection:
    if protection.words:
        return protection
    return replace(protection, mechanism="OAuth", words="what its specification says")


def _readers() -> Iterator[Any]:
    for framework, reader in FRAMEWORKS:
        if framework in sys.modules:
            yield import_module(reader).inside
    yield django.inside


def _piece(pattern: Any) -> tuple[str, str]:
    """How a person reads *pattern*, and the part of it that is always the same."""
    if isinstance(pattern, LocalePrefixPattern):
        return "<language>/", "<"
    if isinstance(pattern, RegexPattern):
        return _readable(pattern), _always(pattern)
    route = str(pattern)
    return _PARAMETER.sub(r"<\1>", route), route[: route.find("<") + 1] or route


def _readable(pattern: Any) -> str:
    """A regular expression without an anchor is found anywhere: `*` says so."""
    regex = str(pattern)
    path = replace_unnamed_groups(replace_named_groups(remove_non_capturing_groups(regex)))
    path = replace_metacharacters(path).replace("\\", "")
    return path if _is_anchored(pattern) else f"*{path}"


def _always(pattern: Any) -> str:
    regex = str(pattern)
    if not _is_anchored(pattern):
        return "<"
    body = regex.removeprefix("^").removeprefix(r"\A")
    found = _LITERAL.match(body)
    literal = found[0] if found else ""
    rest = body[len(literal) :]
    if rest.startswith(_OPTIONAL):
        literal = literal[: -2 if literal[-2:-1] == "\\" else -1]
    ends = rest in _END if pattern._is_endpoint else not rest
    return literal.replace("\\", "") + ("" if ends else "<")


def _is_anchored(pattern: Any) -> bool:
    """Django matches the whole path where a last pattern ends with `$`. Of alternatives each may begin anywhere."""
    regex = str(pattern)
    if not regex or (pattern._is_endpoint and regex.endswith("$")):
        return True
    return regex.startswith(("^", r"\A")) and not _has_alternatives(regex)


def _has_alternatives(regex: str) -> bool:
    depth = 0
    for token in _TOKEN.findall(regex):
        depth += (token == "(") - (token == ")")
        if token == "|" and not depth:
            return True
    return False
