"""What middleware asks before a view is reached."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial, reduce
from operator import or_
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_oauth_server.resource.conf import load
from django_oauth_server.resource.django import is_open
from django_oauth_server.resource.middleware import requirement_of
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.routes.django import changed_by
from django_oauth_server.resource.routes.protection import Guard, Protection
from django_oauth_server.resource.routes.stranger import Unknown, awaited, passes, request

PREFIXES: Final = "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"
SIGN_IN: Final = "django.contrib.auth.middleware.LoginRequiredMiddleware"
MECHANISM: Final = "middleware"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_STEPS: Final = ("__init__", "__call__", "__acall__", "process_request")
"""What a middleware may have beside the methods of the one from which it derives."""


def before(view: Any, path: str, beginning: str) -> Protection:
    """What is asked of every caller of *view* at *path*, whose addresses begin with *beginning*."""
    return Protection().guarded([*_prefix(view, beginning), *_sign_in(view, path, beginning)], MECHANISM)


@cache
def position(name: str) -> int | None:
    """Where the middleware *name*, or one derived from it, stands; None where it does not."""
    return next((number for number, path in enumerate(settings.MIDDLEWARE) if name in _names(_kind(path))), None)


def _kind(path: str) -> Any:
    """The middleware at *path*. One that cannot be imported is not ours to report."""
    try:
        return import_string(path)
    except ImportError:
        return None


def _names(kind: Any) -> set[str]:
    """The classes from which a middleware derives."""
    return set(map(_name, getattr(kind, "__mro__", ())))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _prefix(view: Any, beginning: str) -> list[Guard]:
    """Of several prefixes that may hold there, the one that asks for least is what is sure."""
    asked = [] if is_open(view) else requirements_below(beginning)
    if not asked or None in asked:
        return []
    requirement = reduce(or_, [one for one in asked if one is not None])
    guard = Guard(words=str(requirement), requirement=requirement)
    return _surest([guard.behind(own) if (own := _overridden(kind, PREFIXES)) else guard for kind in _kinds(PREFIXES)])


def requirements_below(beginning: str) -> list[Requirement | None]:
    """What the prefixes ask of the addresses that begin with *beginning*; None: of some they ask nothing.

    Where more follows that varies, it may reach into a longer prefix, whose requirement then counts instead.
    """
    fixed, varies, _ = beginning.partition("<")
    nested = [prefix for prefix in load().protected_prefixes if prefix.startswith(fixed)] if varies else []
    return list(dict.fromkeys(requirement_of(one) for one in (beginning, *nested)))


def _sign_in(view: Any, path: str, beginning: str) -> list[Guard]:
    """Django's middleware, or one derived from it: its `process_view` lets pass by returning None."""
    return _surest([_of_sign_in(kind, view, path, beginning) for kind in _kinds(SIGN_IN)])


def _of_sign_in(kind: Any, view: Any, path: str, beginning: str) -> Guard:
    guard = Guard(words=kind.__name__)
    if not _overridden(kind, SIGN_IN):
        return guard if getattr(view, "login_required", True) else replace(guard, passes=True)
    verdicts = {passes(partial(_lets_pass, kind, method, view, path)) for method in _METHODS}
    verdict = verdicts.pop() if len(verdicts) == 1 else None
    if verdict is False and ("<" in beginning or changed_by(kind, "__call__", answer=True)):
        verdict = None  # at another address, or for another caller, it may let pass
    return replace(guard, words=_name(kind), passes=verdict)


def _lets_pass(kind: Any, method: str, view: Any, path: str) -> bool:
    """Whether a middleware of *kind* leads a stranger to *view*."""
    one, asked = kind(_nothing), request(method, path)
    before = awaited(one.process_request(asked)) if hasattr(one, "process_request") else None
    return before is None and awaited(one.process_view(asked, view, (), Unknown())) is None


def _surest(guards: list[Guard]) -> list[Guard]:
    """Of several middleware that stand before a view, the one that is surest to ask. One that lets pass asks nothing."""
    asking = [one for one in guards if not one.passes]
    return sorted(asking, key=lambda one: one.passes is None)[:1]


def _overridden(kind: Any, name: str) -> str:
    """The name of the class in which something of the middleware *name* is changed; empty where it is as it was."""
    base = import_string(name)
    for one in kind.__mro__[: kind.__mro__.index(base)]:
        if any(each in vars(one) for each in (*_STEPS, *(each for each in vars(base) if callable(vars(base)[each])))):
            return _name(one)
    return ""


def _kinds(name: str) -> list[Any]:
    """The classes of the middleware *name*, and of those derived from it, that Django uses."""
    return [one for one in map(_kind, settings.MIDDLEWARE) if name in _names(one) and _is_used(one)]


def _is_used(kind: Any) -> bool:
    """Django leaves out a middleware that says so as it is made. One that cannot be made stops the server."""
    try:
        kind(_nothing)
    except MiddlewareNotUsed:
        return False
    except Exception:  # whatever the project's code raises
        return True
    return True


def _nothing(request: Any) -> Any:
    """In place of the other middleware and the view."""


def _forget(**_: object) -> None:
    position.cache_clear()


setting_changed.connect(_forget)
