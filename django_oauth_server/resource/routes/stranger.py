"""A stranger, whose request is shown to whatever guards a view: what it answers is what the audit tells."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from django_oauth_server.resource.people import nobody

_ADDRESS = "192.0.2.1"
"""Nobody's (RFC 5737)."""


def request(method: str, path: str) -> HttpRequest:
    """A request without a token, a session or content. *path* is a route's; where a part of it varies, it is as the table shows it."""
    made = HttpRequest()
    made.method, made.path, made.path_info = method, path, path
    made.META = {"REQUEST_METHOD": method, "REMOTE_ADDR": _ADDRESS, "SERVER_NAME": _host(), "SERVER_PORT": "80"}
    user = nobody()

    async def auser() -> object:
        return user

    made.user, made.auser, made.session = user, auser, {}  # type: ignore[assignment]
    return made


class Unknown(dict[str, Any]):
    """What the address of a request says. Code that asks for it gets no answer, as another address would get another."""

    def _raise(self, *args: object, **kwargs: object) -> Any:
        raise LookupError("the address is not known")

    __getitem__ = __contains__ = __iter__ = __len__ = __bool__ = get = keys = values = items = pop = setdefault = (
        copy
    ) = _raise


def passes(ask: Callable[[], object]) -> bool | None:
    """Whether a stranger passes by what *ask* answers. None: it cannot tell without a real request, whatever it raises."""
    try:
        return bool(ask())
    except PermissionDenied:
        return False
    except Exception:  # whatever the project's code raises
        return None


def awaited(answer: object) -> object:
    """*answer*, waited for where that is needed."""
    if not isawaitable(answer):
        return answer

    async def wait() -> object:
        return await answer

    return async_to_sync(wait)()


def _host() -> str:
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if "*" not in host]
    return named[0] if named else "localhost"
