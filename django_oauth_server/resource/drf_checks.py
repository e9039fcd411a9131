"""What `manage.py check` says of REST framework views: tables of actions that they do not have, and tokens of which nothing is required."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import Any, Final, cast

from django.core.checks import CheckMessage, Error, Warning
from rest_framework.permissions import AND, OR
from rest_framework.views import APIView

from django_oauth_server.resource.drf import ActionTable, BearerAuthentication, SignedIn, TokenPermission
from django_oauth_server.resource.routes.rest_framework import called_by_a_stranger, framework_view, methods_of
from django_oauth_server.resource.routes.stranger import passes

_STANDARD: Final = ("list", "create", "retrieve", "update", "partial_update", "destroy")
_ALWAYS: Final = frozenset({"metadata"})
"""What the framework calls an OPTIONS request."""
_SAY_SO: Final = (
    'Add requires("...") to its permission_classes, or requires() where any good token is enough. For "a session, or a token with the scope" '
    'write SignedIn | requires("...").'
)


def check_views(found: Iterable[Any]) -> Iterator[CheckMessage]:
    """One message for each view and mistake, whatever the number of its routes."""
    views = list(dict.fromkeys(view for one in found if (view := framework_view(one)) is not None))
    routed: dict[type[APIView], set[str]] = {}
    for view in views:
        routed.setdefault(view.cls, set()).update((getattr(view, "actions", None) or {}).values())
    said: dict[tuple[str | None, str], CheckMessage] = {}
    for view in views:
        for message in (*_of_tables(view, routed[view.cls]), *_of_tokens(view)):
            said.setdefault((message.id, str(message.msg)), message)
    yield from said.values()


def _of_tables(view: Any, routed: set[str]) -> Iterator[CheckMessage]:
    for called in _calls(view):
        for permission in _permissions(called):
            for table in _tables(permission):
                yield from _of_table(table, view.cls, routed)


def _tables(permission: Any) -> Iterator[ActionTable]:
    """*permission*, or what it is composed of."""
    if isinstance(permission, ActionTable):
        yield permission
    for one in _operands(permission):
        yield from _tables(one)


def _of_table(table: ActionTable, kind: type[APIView], routed: set[str]) -> Iterator[CheckMessage]:
    if not hasattr(kind, "get_extra_actions"):
        yield Error(
            f"{_dotted(kind)} has no actions, but uses requires_by_action, so every request is refused.",
            hint="Use requires_by_method.",
            id="oauth_resource.E009",
        )
        return
    known = {*routed, *_extra(kind), *(name for name in _STANDARD if hasattr(kind, name))}
    for name in sorted(table.requirements.keys() - known - _ALWAYS):
        close = get_close_matches(name, known, n=1)
        yield Warning(
            f"{_dotted(kind)} has no action {name!r}, but its requires_by_action names it.",
            hint=f"Did you mean {close[0]!r}?" if close else f"Its actions are: {', '.join(sorted(known))}.",
            id="oauth_resource.W008",
        )


def _extra(kind: Any) -> Iterator[str]:
    """What `@action` marks, and what is mapped to other methods beside it."""
    for one in kind.get_extra_actions():
        yield from (one.__name__, *one.mapping.values())


def _of_tokens(view: Any) -> Iterator[CheckMessage]:
    for called in _calls(view):
        permissions = _permissions(called)
        if _reads_tokens(called) and not _is_open(called, permissions) and not any(map(_judges, permissions)):
            named = " & ".join(map(_words, permissions))
            yield Warning(
                f"{_dotted(view.cls)} accepts tokens but requires no scopes: {named} accepts any token of a person, whatever its scopes.",
                hint=_SAY_SO,
                id="oauth_resource.W010",
            )


def _calls(view: Any) -> Iterator[Any]:
    """The view as a stranger calls it, by each of its methods. Not one whose code needs a real request for that."""
    for method in methods_of(view):
        one = _asked(partial(called_by_a_stranger, view, method, "/"), None)
        if one is not None and method != "HEAD":
            yield one


def _permissions(called: APIView) -> list[Any]:
    """None of a view whose code needs a real request to say so."""
    return cast("list[Any]", _asked(called.get_permissions, []))


def _judges(permission: Any) -> bool:
    """Whether no token passes *permission* unjudged."""
    if isinstance(permission, (AND, OR)):
        sides = map(_judges, _operands(permission))
        return any(sides) if isinstance(permission, AND) else all(sides)
    return isinstance(permission, (TokenPermission, SignedIn))


def _reads_tokens(called: APIView) -> bool:
    return any(isinstance(one, BearerAuthentication) for one in _asked(called.get_authenticators, []))


def _is_open(called: Any, permissions: list[Any]) -> bool:
    """Whether a stranger gets in: then a token opens nothing more. A permission that needs a real request is taken to keep strangers out."""
    return all(passes(partial(one.has_permission, called.request, called)) for one in permissions)


def _operands(permission: Any) -> list[Any]:
    return [getattr(permission, name) for name in ("op1", "op2") if hasattr(permission, name)]


def _asked(ask: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return ask()
    except Exception:  # whatever the project's code raises without a real request
        return otherwise


def _words(permission: Any) -> str:
    if isinstance(permission, (AND, OR)):
        return f"({(' & ' if isinstance(permission, AND) else ' | ').join(map(_words, _operands(permission)))})"
    requirement = getattr(permission, "requirement", None)
    return str(requirement) if requirement is not None else type(permission).__name__


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
