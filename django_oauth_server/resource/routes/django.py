"""What plain Django views require: by decorators, by the classes that they derive from, by the admin site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest
from django.views import View

from django_oauth_server.resource.django import ProtectedResourceMixin
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.routes.protection import AT_RUN_TIME, Protection, all_of, dotted

MECHANISM: Final = "Django"
_MIXINS: Final = frozenset({"LoginRequiredMixin", "PermissionRequiredMixin", "UserPassesTestMixin"})
_USER_TESTS: Final = frozenset({"login_required", "permission_required", "staff_member_required"})
_WRAPPED: Final = ("view_func", "view", "func", "method")
_ADMIN_VIEW: Final = "AdminSite.admin_view.<locals>.inner"
_NOT_LISTED: Final = frozenset({"head", "options", "trace"})


def around(view: Any) -> Protection:
    """What the decorators around *view* require, of whatever framework it is."""
    links = _links(view)
    requirement = _declared(links)
    words = [*([str(requirement)] if requirement else ()), *dict.fromkeys(_user_tests(links)), *_admin(links)]
    return Protection(
        methods=_methods_of_function(links),
        mechanism=MECHANISM if words else "",
        words=all_of(words),
        requirement=requirement,
    )


def inside(view: Any) -> list[Protection]:
    """What a class-based view requires, for each of its methods."""
    kind = getattr(view, "view_class", None)
    if not (isinstance(kind, type) and issubclass(kind, View)):
        return []
    return [_of_class(kind, view.view_initkwargs, method) for method in _methods_of_class(kind)]


def _of_class(kind: type[View], initkwargs: dict[str, Any], method: str) -> Protection:
    words = _mixins(kind)
    requirement = None
    if issubclass(kind, ProtectedResourceMixin):
        requirement = _requirement_of(kind, initkwargs, method)
        words = [AT_RUN_TIME if requirement is None else str(requirement), *words]
    return Protection(
        view=dotted(kind),
        methods=(method,),
        mechanism=MECHANISM if words else "",
        words=all_of(words),
        requirement=requirement,
    )


def _requirement_of(kind: type[ProtectedResourceMixin], initkwargs: dict[str, Any], method: str) -> Requirement | None:
    """What the class says for a request that nobody made. It may need a real one, or have forgotten to say: then nobody passes unasked."""
    request = HttpRequest()
    request.method = method
    one = kind(**initkwargs)
    try:
        one.setup(request)
        return one.get_requirement()
    except Exception:  # whatever the project's code raises
        return None


def _mixins(kind: type) -> list[str]:
    return [
        one.__name__
        for one in kind.__mro__
        if one.__module__ == "django.contrib.auth.mixins" and one.__name__ in _MIXINS
    ]


def _links(view: Any) -> list[Any]:
    """*view*, and what its decorators wrap: `__wrapped__` says it, or the names that decorators commonly hold it by."""
    found: list[Any] = []
    waiting = [view, getattr(getattr(view, "view_class", None), "dispatch", None)]
    while waiting:
        link = waiting.pop(0)
        if not callable(link) or link in found:
            continue
        found.append(link)
        held = _enclosed(link)
        waiting += [getattr(link, "__wrapped__", None), *(held.get(name) for name in _WRAPPED)]
    return found


def _declared(links: list[Any]) -> Requirement | None:
    """A decorator's attribute is seen through those around it; of several decorators each asks for its own."""
    found: list[Requirement] = []
    for link in links:
        one = getattr(link, "requirement", None)
        if isinstance(one, Requirement) and one not in found:
            found.append(one)
    return requires(*found) if found else None


def _user_tests(links: list[Any]) -> Iterator[str]:
    """The decorators that ask who is signed in, by name: on a function, or by `method_decorator` on a class."""
    for link in links:
        held = _enclosed(link)
        if "test_func" in held and hasattr(link, "redirect_field_name"):
            name = _maker(held["test_func"])
            yield name if name in _USER_TESTS else "user_passes_test"
        for decorator in held.get("decorators", ()) if "method" in held else ():
            if _maker(decorator) in {*_USER_TESTS, "user_passes_test"}:
                yield _maker(decorator)


def _maker(made: Any) -> str:
    """The function in which *made* was made, or itself."""
    return str(getattr(made, "__qualname__", "")).partition(".")[0]


def _admin(links: list[Any]) -> list[str]:
    """What an admin site wraps, or hands to its `admin_view`."""
    marked = any(hasattr(link, name) for link in links for name in ("admin_site", "model_admin"))
    wrapped = any(getattr(getattr(link, "__code__", None), "co_qualname", "") == _ADMIN_VIEW for link in links)
    return ["staff (admin site)"] if marked or wrapped else []


def _methods_of_class(kind: type[View]) -> list[str]:
    named = [name for name in kind.http_method_names if name not in _NOT_LISTED and hasattr(kind, name)]
    return [name.upper() for name in named] or ["OPTIONS"]


def _methods_of_function(links: list[Any]) -> tuple[str, ...]:
    """What `require_http_methods` lets through."""
    for link in links:
        allowed = _enclosed(link).get("request_method_list")
        if allowed is not None:
            return tuple(sorted(set(allowed) - {name.upper() for name in _NOT_LISTED})) or tuple(allowed)
    return ()


def _enclosed(link: Any) -> dict[str, Any]:
    """The names that a decorator's inner function holds."""
    code, cells = getattr(link, "__code__", None), getattr(link, "__closure__", None)
    return (
        {name: cell.cell_contents for name, cell in zip(code.co_freevars, cells, strict=True)} if code and cells else {}
    )
