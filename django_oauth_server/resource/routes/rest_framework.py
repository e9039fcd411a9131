"""What REST framework's views require, for each method and action."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest
from rest_framework.permissions import AND, NOT, OR
from rest_framework.request import Request
from rest_framework.views import APIView

from django_oauth_server.resource.drf import BearerAuthentication, TokenPermission, required_by
from django_oauth_server.resource.routes.protection import AT_RUN_TIME, NO_BEARER, Protection, all_of, dotted

MECHANISM: Final = "REST framework"


def inside(view: Any) -> list[Protection]:
    """What a REST framework view requires; nothing where *view* is none."""
    kind = getattr(view, "cls", None)
    if not (isinstance(kind, type) and issubclass(kind, APIView)):
        return []
    return [_for_method(view, kind, method, action) for method, action in _methods(view, kind).items()]


def _methods(view: Any, kind: type[APIView]) -> dict[str, str | None]:
    """Each method, with the action of a viewset."""
    if actions := getattr(view, "actions", None):
        return {method.upper(): action for method, action in actions.items() if method not in {"head", "options"}}
    named = [name for name in kind.http_method_names if name not in {"head", "options", "trace"}]
    return dict.fromkeys([name.upper() for name in named if hasattr(kind, name)] or ["OPTIONS"])


def _for_method(view: Any, kind: type[APIView], method: str, action: str | None) -> Protection:
    """Asked of a view that was called by a stranger, whom each of its permissions is shown."""
    protection = Protection(view=dotted(kind), methods=(method,), mechanism=MECHANISM)
    try:
        one = _called(view, kind, method, action)
        request, permissions = one.request, one.get_permissions()
        words = all_of([_words(permission, request, one) for permission in permissions])
        requirement = required_by(one, request)
        is_open = all(_lets_in(permission, request, one) for permission in permissions)
    except Exception:  # whatever the project's code raises without a real request
        return replace(protection, words=AT_RUN_TIME)
    if is_open:
        return replace(protection, note=words)
    note = "" if requirement is None or _reads_tokens(one) else NO_BEARER
    return replace(protection, words=words, requirement=requirement, note=note)


def _called(view: Any, kind: type[APIView], method: str, action: str | None) -> Any:
    one: Any = kind(**view.initkwargs)
    http = HttpRequest()
    http.method = method
    one.args, one.kwargs, one.format_kwarg = (), {}, None
    one.request = Request(http, parser_context={"view": one, "args": (), "kwargs": {}})
    if action is not None:
        one.action, one.action_map = action, view.actions
    return one


def _lets_in(permission: Any, request: Request, view: APIView) -> bool:
    """Whether a stranger passes. One that cannot say without a real request is taken to keep them out."""
    try:
        return permission.has_permission(request, view) is True
    except Exception:  # whatever the project's code raises
        return False


def _words(permission: Any, request: Request, view: APIView) -> str:
    if isinstance(permission, TokenPermission):
        requirement = permission.required(request, view)
        return "nobody" if requirement is None else str(requirement)
    sides = [_words(side, request, view) for side in _operands(permission)]
    if isinstance(permission, NOT):
        return f"~({sides[0]})"
    if isinstance(permission, (AND, OR)):
        return all_of(sides) if isinstance(permission, AND) else " | ".join(sides)
    return type(permission).__name__


def _operands(permission: Any) -> list[Any]:
    return [getattr(permission, name) for name in ("op1", "op2") if hasattr(permission, name)]


def _reads_tokens(view: APIView) -> bool:
    return any(isinstance(one, BearerAuthentication) for one in view.get_authenticators())
