"""What django-ninja's operations require."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Final

from ninja.operation import Operation

from django_oauth_server.resource.ninja import operations_of
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.routes.protection import Protection, dotted

MECHANISM: Final = "Ninja"


def inside(view: Any) -> list[Protection]:
    """What each operation at the path of *view* requires; nothing where *view* is none of Ninja's."""
    return [_of(operation) for operation in operations_of(view)]


def _of(operation: Operation) -> Protection:
    """The callbacks are those of the operation, its router or the whole API, whichever is nearest; one of them is enough."""
    asked = [getattr(one, "requirement", None) for one in operation.auth_callbacks]
    requirements = [one for one in asked if isinstance(one, Requirement)]
    return Protection(
        view=dotted(operation.view_func),
        methods=tuple(operation.methods),
        mechanism=MECHANISM,
        words=" | ".join(map(_words, operation.auth_callbacks)),
        requirement=reduce(or_, requirements) if requirements else None,
    )


def _words(callback: Any) -> str:
    requirement = getattr(callback, "requirement", None)
    if isinstance(requirement, Requirement):
        return str(requirement)
    return str(getattr(callback, "__name__", type(callback).__name__))
