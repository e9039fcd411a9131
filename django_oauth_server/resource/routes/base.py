"""Every route of the project, in the order of its paths."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
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
from django.utils.functional import Promise

from django_oauth_server.resource.django import is_open
from django_oauth_server.resource.locations import APP_NAME
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.routes import django, mcp, middleware
from django_oauth_server.resource.routes.protection import Protection, dotted, grouped

FRAMEWORKS: Final = (
    ("rest_framework.views", "django_oauth_server.resource.routes.rest_framework"),
    ("ninja.operation", "django_oauth_server.resource.routes.ninja"),
)
"""A framework's module, and ours that reads its views. A framework that nothing has imported has no views here."""

PROTOCOL: Final = frozenset({APP_NAME, "oauth_server"})
"""Application namespaces whose views are open to whom their specifications say: a token endpoint authenticates clients by itself."""

PACKAGE: Final = "django_oauth_server."

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
    operation: str
    """What of the view is called, where it is an MCP endpoint: `tools/call delete_note`. Empty: anything."""
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
    doubt: str = ""
    """What may be asked as well, or may not: that cannot be known."""
    note: str = ""

    def may_be_below(self, prefix: str) -> bool:
        """Whether an address of it may begin with *prefix*."""
        varies = self.beginning.endswith("<")
        return f"{self.beginning}/".startswith(prefix) or (varies and prefix.startswith(self.beginning[:-1]))

    @property
    def is_open(self) -> bool:
        """Whether nothing is known that keeps a stranger out."""
        return not self.words and not self.doubt

    @property
    def is_unknown(self) -> bool:
        """Whether it cannot be known if anything keeps a stranger out."""
        return not self.words and bool(self.doubt)


@dataclass(frozen=True, slots=True)
class _Place:
    path: str = "/"
    beginning: str = "/"
    apps: tuple[str, ...] = ()

    def below(self, pattern: Any, app: str | None = None) -> _Place:
        path, beginning = _piece(pattern)
        beginning = self.beginning if self.beginning.endswith("<") else self.beginning + beginning
        return _Place(self.path + path, beginning, (*self.apps, app) if app else self.apps)

    def somewhere(self) -> _Place:
        """Any address below this place."""
        return _Place(f"{self.path}*", f"{self.beginning.rstrip('<')}<", self.apps)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """In place of a view that cannot be found out."""

    view: str
    reason: str


def routes(urlconf: str | None = None) -> tuple[Route, ...]:
    """All routes of *urlconf*, the project's without one, by path.

    Whatever stands there, nothing is raised: what cannot be read is told as unknown.
    """
    found = sorted(
        (
            _route(place, view, protection)
            for place, view in _views(get_resolver(urlconf), _Place())
            for protection in _protections(view, place)
        ),
        key=lambda one: (one.path, one.operation, one.methods, one.view),
    )
    return tuple(
        one for one, before in zip(found, [None, *found], strict=False) if one != before
    )  # Ninja names a path twice


def views(urlconf: str | None = None) -> Iterator[Any]:
    """What the patterns of *urlconf*, the project's without one, call."""
    yield from (view for _, view in _views(get_resolver(urlconf), _Place()) if not isinstance(view, _Unreadable))


def _views(resolver: URLResolver, place: _Place, above: tuple[int, ...] = ()) -> Iterator[tuple[_Place, Any]]:
    """The views below *resolver*. A URLconf that includes itself is read once."""
    try:
        patterns = list(resolver.url_patterns)
    except Exception as exc:  # whatever the project's code raises
        yield place.somewhere(), _Unreadable(_named(resolver), f"its URLconf cannot be read ({type(exc).__name__})")
        return
    for one in patterns:
        yield from _of_pattern(one, place, above)


def _of_pattern(one: Any, place: _Place, above: tuple[int, ...]) -> Iterator[tuple[_Place, Any]]:
    try:
        here = place.below(one.pattern, getattr(one, "app_name", None))
        included = id(one.urlconf_module) if isinstance(one, URLResolver) else 0
    except Exception as exc:  # it is of a kind of its own
        yield place.somewhere(), _Unreadable(_named(one), f"its address cannot be read ({type(exc).__name__})")
        return
    if included in above:
        yield here.somewhere(), _Unreadable(_named(one), "its URLconf includes itself")
    elif isinstance(one, URLResolver):
        yield from _views(one, here, (*above, included))
    else:
        yield (
            here,
            one.callback if isinstance(one, URLPattern) else _Unreadable(_named(one), "it is no pattern of Django's"),
        )


def _route(place: _Place, view: Any, protection: Protection) -> Route:
    return Route(
        path=place.path,
        methods=protection.methods,
        operation=protection.operation,
        view=protection.view,
        mechanism=protection.mechanism,
        words=protection.words,
        requirement=protection.requirement,
        beginning=place.beginning,
        on_purpose=is_open(view),
        doubt=protection.doubt,
        note=protection.note,
    )


def _protections(view: Any, place: _Place) -> list[Protection]:
    """What the framework of *view* says, behind the decorators around it, behind the middleware."""
    outer = _safely(lambda: [middleware.before(view, place.path, place.beginning)])
    protections = [replace(outer[0].before(one), view=one.view or _named(view)) for one in _own(view, place)]
    return [_by_protocol(one) if _is_protocol(one, place) else one for one in grouped(protections)]


def _own(view: Any, place: _Place) -> list[Protection]:
    if isinstance(view, _Unreadable):
        return [Protection(view=view.view, doubt=view.reason)]
    around = _safely(lambda: [django.around(view)])
    return [around[0].before(one) for one in _safely(lambda: list(_inside(view, place)))]


def _inside(view: Any, place: _Place) -> Iterator[Protection]:
    left_out = django.doubtful(view)
    found = next((found for read in _readers() if (found := read(view, place.path))), [Protection()])
    for one in (*found, *mcp.operations(view)):
        yield one.behind(left_out) if left_out else one


def _safely(read: Callable[[], list[Protection]]) -> list[Protection]:
    try:
        return read()
    except Exception as exc:  # whatever the project's code raises
        return [Protection(doubt=f"it cannot be read ({type(exc).__name__})")]


def _named(view: Any) -> str:
    try:
        return dotted(view)
    except Exception:  # its name is strange as well
        return f"{type(view).__module__}.{type(view).__qualname__}"


def _is_protocol(protection: Protection, place: _Place) -> bool:
    return bool(PROTOCOL & set(place.apps)) and protection.view.startswith(PACKAGE)


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
    if isinstance(pattern._route, Promise):  # in another language it is another
        return _PARAMETER.sub(r"<\1>", route), "<"
    return _PARAMETER.sub(r"<\1>", route), route[: route.find("<") + 1] or route


def _readable(pattern: Any) -> str:
    """A regular expression without an anchor is found anywhere: `*` says so."""
    regex = str(pattern)
    path = replace_unnamed_groups(replace_named_groups(remove_non_capturing_groups(regex)))
    path = replace_metacharacters(path).replace("\\", "")
    return path if _is_anchored(pattern) else f"*{path}"


def _always(pattern: Any) -> str:
    regex = str(pattern)
    if not _is_anchored(pattern) or _has_alternatives(regex) or isinstance(pattern._regex, Promise):
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
