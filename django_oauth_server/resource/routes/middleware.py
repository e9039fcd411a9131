"""What middleware asks before a view is reached."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_oauth_server.resource.middleware import requirement_of
from django_oauth_server.resource.routes.protection import Protection

PREFIXES: Final = "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"
SIGN_IN: Final = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def before(view: Any, beginning: str) -> Protection:
    """What is asked of every caller of *view*, whose addresses begin with *beginning*."""
    return _prefix(view, beginning).behind(_sign_in(view))


@cache
def position(name: str) -> int | None:
    """Where the middleware *name*, or one derived from it, stands; None where it does not."""
    return next((number for number, path in enumerate(settings.MIDDLEWARE) if name in _names(path)), None)


def _names(path: str) -> set[str]:
    """*path*, and the classes from which the middleware there derives. One that cannot be imported is not ours to report."""
    try:
        kind = import_string(path)
    except ImportError:
        return {path}
    return {path, *(f"{one.__module__}.{one.__qualname__}" for one in getattr(kind, "__mro__", ()))}


def _prefix(view: Any, beginning: str) -> Protection:
    if position(PREFIXES) is None:
        return Protection()
    requirement = requirement_of(beginning)
    if requirement is None or getattr(view, "is_open", False):
        return Protection()
    return Protection(mechanism="middleware", words=str(requirement), requirement=requirement)


def _sign_in(view: Any) -> Protection:
    if position(SIGN_IN) is None or not getattr(view, "login_required", True):
        return Protection()
    return Protection(mechanism="middleware", words="LoginRequiredMiddleware")


def _forget(**_: object) -> None:
    position.cache_clear()


setting_changed.connect(_forget)
