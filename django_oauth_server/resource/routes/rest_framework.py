"""What REST framework's views require, for each method and action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final

from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import AND, NOT, OR
from rest_framework.request import Request
from rest_framework.views import APIView

from django_oauth_server.resource.closures import attribute
from django_oauth_server.resource.drf import BearerAuthentication, TokenPermission, required_by
from django_oauth_server.resource.routes.django import MECHANISM as DJANGO
from django_oauth_server.resource.routes.django import chain, changed_by, guards, guards_of_class, merged
from django_oauth_server.resource.routes.overriding import is_framework, owner
from django_oauth_server.resource.routes.protection import AT_RUN_TIME, NO_BEARER, Guard, Protection, all_of, dotted
from django_oauth_server.resource.routes.stranger import Unknown, passes, request

MECHANISM: Final = "REST framework"
_REFUSALS: Final = frozenset({401, 403})


def inside(view: Any, path: str) -> list[Protection]:
    """What a REST framework view requires; nothing where *view* is none. HEAD is told where it is less than GET."""
    made = framework_view(view)
    if made is None:
        return []
    found = [_for_method(made, method, action, path) for method, action in methods_of(made).items()]
    asked_of_get = any(one.words for one in found if one.methods == ("GET",))
    return [one for one in found if one.methods != ("HEAD",) or (asked_of_get and not one.words)]


def framework_view(view: Any) -> Any:
    """The view of REST framework in *view*, behind its decorators; None where there is none."""
    return next((one for one in chain(view) if _is_ours(attribute(one, "cls"))), None)


def methods_of(view: Any) -> dict[str, str | None]:
    """Each method, with the action of a viewset."""
    if actions := _actions(view):
        return {name.upper(): action for name, action in actions.items() if name != "options"}
    kind = view.cls
    named = {name for name in kind.http_method_names if name not in {"options", "trace"} and hasattr(kind, name)}
    if "get" in named:
        named.add("head")
    return dict.fromkeys(sorted(name.upper() for name in named) or ["OPTIONS"])


def called_by_a_stranger(view: Any, method: str, path: str) -> Any:
    """An instance of *view* that a stranger has called, before anything was asked. Whatever the project's code raises comes through."""
    one: Any = view.cls(**view.initkwargs)
    one.args, one.kwargs, one.format_kwarg = (), Unknown(), None
    if actions := _actions(view):
        one.action_map = actions
    one.request = request(method, path)
    one.request = one.initialize_request(one.request)
    return one


def _is_ours(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, APIView)


def _actions(view: Any) -> dict[str, str]:
    """By method; HEAD as the framework adds it."""
    actions: dict[str, str] = getattr(view, "actions", None) or {}
    return ({"head": actions["get"]} if "get" in actions else {}) | actions


def _for_method(view: Any, method: str, action: str | None, path: str) -> Protection:
    """Asked of a view that was called by a stranger."""
    kind = view.cls
    call = cache(partial(called_by_a_stranger, view, method, path))
    outer, doubtful = guards_of_class(kind, call, APIView)
    doubtful = (
        doubtful or changed_by(kind, "initial") or changed_by(kind, "finalize_response", answer=True, judged=True)
    )
    inner, note = _asked(call, kind)
    inner = [_refusing(one, call, kind) for one in inner]
    handler = guards(attribute(kind, action or method.lower()))
    protection = Protection(view=dotted(kind), methods=(method,), mechanism=MECHANISM, note=note)
    for found, mechanism in ((handler, DJANGO), (inner, MECHANISM)):
        protection = protection.guarded([one.behind(doubtful) for one in found] if doubtful else found, mechanism)
    return protection.guarded(merged(outer), DJANGO)


def _refusing(guard: Guard, call: Callable[[], Any], kind: type[APIView]) -> Guard:
    """*guard*, if the view answers its refusal with an error: a `handle_exception` of the project's own may answer with anything."""
    name = "handle_exception"
    if guard.passes is not False or is_framework(owner(kind, name)):
        return guard
    refused = passes(lambda: call().handle_exception(NotAuthenticated()).status_code < 400)
    return (
        guard
        if refused is False
        else replace(guard, words=f"{guard.words} (refuses by {_dotted(kind, name)})", passes=None)
    )


def _asked(call: Callable[[], Any], kind: type[APIView]) -> tuple[list[Guard], str]:
    """What the framework itself asks; and what is to be noted."""
    try:
        one = call()
        permissions = one.get_permissions()
        words = all_of([_words(permission, one.request, one) for permission in permissions])
        requirement = required_by(one, one.request)
    except Exception:  # whatever the project's code raises without a real request
        return [Guard(words=AT_RUN_TIME, passes=None)], ""
    authentication = _passes(lambda: one.perform_authentication(one.request))
    found = [] if authentication else [Guard(words=_authenticators(one), passes=authentication)]
    verdict = _passes(lambda: one.check_permissions(one.request))
    if not _is_framework(kind, "check_permissions"):
        return [*found, Guard(words=_dotted(kind, "check_permissions"), passes=verdict)], words
    if verdict is None and _is_framework(kind, "permission_denied"):
        # They are asked one after the other: that one cannot tell is nothing to a stranger whom another refuses.
        verdicts = [passes(partial(each.has_permission, one.request, one)) for each in permissions]
        verdict = False if False in verdicts else None
    note = "" if verdict or requirement is None or _reads_tokens(one) else NO_BEARER
    return [*found, Guard(words=words, passes=verdict, requirement=requirement)], note


def _passes(ask: Any) -> bool | None:
    """Whether a stranger passes *ask*, which refuses by raising."""

    def answer() -> bool:
        try:
            ask()
        except APIException as exc:
            if exc.status_code in _REFUSALS:
                return False
            raise
        return True

    return passes(answer)


def _is_framework(kind: type[APIView], name: str) -> bool:
    """Whether the method *name* is the framework's own, or calls it whatever the request."""
    return not changed_by(kind, name, judged=True)


def _dotted(kind: type[APIView], name: str) -> str:
    return f"{dotted(owner(kind, name))}.{name}"


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


def _authenticators(view: APIView) -> str:
    return " | ".join(type(one).__name__ for one in view.get_authenticators()) or AT_RUN_TIME


def _reads_tokens(view: APIView) -> bool:
    return any(isinstance(one, BearerAuthentication) for one in view.get_authenticators())
