"""What django-ninja's operations require."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Final

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.operation import Operation, PathView
from ninja.utils import is_async_callable

from django_oauth_server.resource.closures import held
from django_oauth_server.resource.ninja import TokenAuth
from django_oauth_server.resource.routes.django import chain
from django_oauth_server.resource.routes.protection import Guard, Protection, dotted
from django_oauth_server.resource.routes.stranger import awaited, passes, request

MECHANISM: Final = "Ninja"
_REFUSALS: Final = frozenset({401, 403})


def inside(view: Any, path: str) -> list[Protection]:
    """What each operation at the path of *view* requires; nothing where *view* is none of Ninja's."""
    holds = [one for link in chain(view) for one in held(link).values()]
    operations = [operation for one in holds if isinstance(one, PathView) for operation in one.operations]
    return [_of(operation, method, path) for operation in operations for method in operation.methods]


def _of(operation: Operation, method: str, path: str) -> Protection:
    """The callbacks are those of the operation, its router or the whole API, whichever is nearest; one of them is enough."""
    protection = Protection(view=dotted(operation.view_func), methods=(method,), mechanism=MECHANISM)
    callbacks = list(operation.auth_callbacks)
    if not callbacks:
        return protection
    asked = request(method, path)  # one for all: an earlier callback may introduce the caller to a later one
    verdicts = [_passes(one, asked) for one in callbacks]
    requirements = [one.requirement for one in callbacks if isinstance(one, TokenAuth)]
    guard = Guard(
        words=" | ".join(map(_words, callbacks)),
        passes=True if True in verdicts else None if None in verdicts else False,
        requirement=reduce(or_, requirements) if requirements else None,
    )
    return protection.guarded([guard], MECHANISM)


def _passes(callback: Any, asked: HttpRequest) -> bool | None:
    """Whether *callback* knows a stranger. django-ninja waits for none that does not say that it is async: then what it returns is true."""
    if type(callback) is TokenAuth:
        return False

    def ask() -> object:
        try:
            answer = callback(asked)
            return awaited(answer) if is_async_callable(callback) or getattr(callback, "is_async", False) else answer
        except HttpError as exc:
            if exc.status_code in _REFUSALS:
                return False
            raise

    return passes(ask)


def _words(callback: Any) -> str:
    if isinstance(callback, TokenAuth):
        return str(callback.requirement)
    return str(getattr(callback, "__name__", type(callback).__name__))
