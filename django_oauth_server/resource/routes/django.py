"""What plain Django views require: by decorators, by the classes that they derive from, by the admin site."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from types import FunctionType
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.decorators import user_passes_test
from django.utils.decorators import method_decorator
from django.views import View

from django_oauth_server.resource import django as ours
from django_oauth_server.resource.closures import attribute, held, made_in
from django_oauth_server.resource.mcp import Endpoint, protected_mcp
from django_oauth_server.resource.people import nobody
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.routes.overriding import hands_on, is_framework, owner, passes_on
from django_oauth_server.resource.routes.protection import AT_RUN_TIME, Guard, Protection, dotted
from django_oauth_server.resource.routes.stranger import Unknown, awaited, passes, request

MECHANISM: Final = "Django"
_MIXINS: Final = "django.contrib.auth.mixins"
_ADMIN: Final = "django.contrib.admin.sites"
_USER_TESTS: Final = frozenset({"login_required", "permission_required", "staff_member_required"})
_WRAPPED: Final = ("view_func", "view", "func", "method")
_ADMIN_VIEW: Final = "AdminSite.admin_view.<locals>.inner"
_ADMIN_WRAPPER: Final = ".get_urls.<locals>.wrap.<locals>.wrapper"
_NOT_LISTED: Final = frozenset({"head", "options", "trace"})
_MOST_LINKS: Final = 50
"""A strange object may claim to wrap another one without end."""


def around(view: Any) -> Protection:
    """What the decorators around *view* require, of whatever framework it is."""
    return Protection(methods=_methods_of_function(view)).guarded(merged(guards(view)), MECHANISM)


def inside(view: Any, path: str) -> list[Protection]:
    """What a class-based view requires, for each of its methods."""
    made = next((one for one in chain(view) if _is_view(attribute(one, "view_class"))), None)
    if made is None:
        return []
    kind, initkwargs = made.view_class, made.view_initkwargs
    return [_of_class(kind, initkwargs, method, path) for method in _methods_of_class(kind)]


def chain(view: Any) -> list[Any]:
    """*view*, and what its decorators wrap, from the outside to the inside."""
    found: list[Any] = []
    while callable(view) and len(found) < _MOST_LINKS:
        found.append(view)
        view = next(iter(_wrapped(view)), None)
    return found


def guards(link: Any, most: int = _MOST_LINKS) -> list[Guard]:
    """What *link* and all that it wraps ask. Where it may call one of several, only what each of them asks."""
    if not callable(link) or not most:
        return []
    own = guards(type(link).__call__, most - 1) if _is_instance(link) else _asked_by(link)
    first, *others = [guards(one, most - 1) for one in _wrapped(link)] or [[]]
    inner = [one for one in first if all(one in other for other in others)]
    return [*own, *([one.behind(_code(link)) for one in inner] if _may_go_round(link) else inner)]


def doubtful(view: Any) -> str:
    """The name of a decorator of *view* that may leave out what it decorates; empty where there is none."""
    return next((_code(link) for link in chain(view) if _may_go_round(link)), "")


def guards_of_class(kind: type, one: Callable[[], Any], end: type = View) -> tuple[list[Guard], str]:
    """What is asked between a view's `dispatch` and its handlers, in the order of the bases up to *end*, which calls them.

    Also the name of an own `dispatch` that may leave out what comes after it; empty where there is none. *one* makes a view that was called.
    """
    found: list[Guard] = []
    before: list[Any] = []
    doubt = ""
    setup = changed_by(kind, "setup", after=True)
    bases = list(kind.__mro__)
    while bases:
        base = bases.pop(0)
        dispatch = vars(base).get("dispatch")
        if dispatch is None:
            continue
        doubt = doubt or doubtful(dispatch)
        asked = guards(dispatch)
        if any(map(_asks_for_a_token, chain(dispatch))) and not any(map(_asks_for_a_token, before)):
            asked.insert(0, _token(kind, one))
        before += chain(dispatch)
        function = chain(dispatch)[-1]
        named = [further for further in bases if vars(further).get("dispatch") is function]
        if named:  # it is called by name, without those that stand between
            base = named[0]
            bases = bases[bases.index(base) + 1 :]
        mixin = _MIXIN_GUARDS.get(_name(base))
        if mixin:
            asked.append(mixin(kind, one))
        found += [guard.behind(doubt) for guard in asked] if doubt else asked
        if base is end:
            break
        if not mixin and not doubt and not hands_on(kind, function, "dispatch", answer=True):
            doubt = f"{dotted(base)}.dispatch"
    return [one.behind(setup) if setup and one.requirement is None else one for one in found], doubt or setup


def changed_by(kind: type, name: str, *, answer: bool = False, after: bool = False, judged: bool = False) -> str:
    """The name of a method *name* of the project's own that may change what comes after it; empty where there is none."""
    for base in kind.__mro__:
        if is_framework(base) or name not in vars(base):
            continue
        if not hands_on(kind, vars(base)[name], name, answer=answer, after=after, judged=judged):
            return f"{dotted(base)}.{name}"
    return ""


def merged(found: list[Guard]) -> list[Guard]:
    """*found*, with what is surely asked of a token said as one."""
    tokens = [one for one in found if one.passes is False and one.requirement is not None]
    demands = dict.fromkeys(one.requirement for one in tokens if one.requirement is not None)
    whole = [token_guard(requires(*demands))] if len(demands) > 1 else tokens[:1]
    return [*whole, *(one for one in found if one not in tokens)]


def token_guard(requirement: Requirement) -> Guard:
    """What asks for a token."""
    return Guard(words=str(requirement), requirement=requirement)


def _is_view(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, View)


def _is_instance(link: Any) -> bool:
    """Whether *link* is called by a method of its class."""
    return not isinstance(link, (FunctionType, partial, type)) and isinstance(type(link).__call__, FunctionType)


# -- decorators --------------------------------------------------------------------------------------------------------


def _may_go_round(link: Any) -> bool:
    """Whether *link*, a decorator of the project's own, may call something else than what it says that it wraps, or for somebody else."""
    if made_in(link) == made_in(method_decorator):
        return any(_may_go_round(decorator(_handler)) for decorator in held(link).get("decorators", ()))
    if _is_instance(link) and not is_framework(type(link)) and attribute(link, "__wrapped__") is not None:
        return not passes_on(type(link).__call__, type(link))
    if not isinstance(link, FunctionType) or is_framework(link):
        return False
    said = _said(link, held(link))
    return bool(said) and (not _holds(link) or not passes_on(link))


def _holds(link: Any) -> bool:
    """Whether *link* has at hand what it says that it wraps."""
    holds = held(link)
    ends = [_end(one) for one in _said(link, holds)]
    return any(_end(one) is end for one in holds.values() if callable(one) for end in ends)


def _code(link: Any) -> str:
    """Where the code of *link* stands, whatever name it has been given."""
    code = attribute(link, "__code__")
    if code is None:
        return dotted(type(link))
    return f"{link.__globals__.get('__name__')}.{attribute(code, 'co_qualname') or code.co_name}"


def _wrapped(link: Any) -> list[Any]:
    """What *link* calls in its turn; one of several, where it holds several that lead to the same view.

    What it holds counts before its `__wrapped__`, which whoever decorates may set to anything.
    """
    holds = held(link)
    said = _said(link, holds)
    if not said:
        return []
    holding = [one for one in holds.values() if callable(one) and not isinstance(one, type)]
    others = [one for one in holding if not any(one is each for each in said)]
    ends = [_end(one) for one in said] if others else []
    found = [one for one in holding if any(one is each for each in said) or any(_end(one) is end for end in ends)]
    return found or said[:1]


def _said(link: Any, holds: Mapping[str, Any]) -> list[Any]:
    """What *link* wraps, as it says itself, or by the names that decorators give it."""
    if isinstance(link, partial):
        return [link.func]
    said = [attribute(link, "__wrapped__"), *(holds[name] for name in _WRAPPED if name in holds)]
    return [one for one in said if callable(one)]


def _end(link: Any) -> Any:
    """The view behind *link*."""
    for _ in range(_MOST_LINKS):
        said = _said(link, held(link))
        if not said:
            break
        link = said[0]
    return link


def _asked_by(link: Any) -> list[Guard]:
    """What one decorator asks. It is known by its code: names and attributes are copied from one function to the other."""
    holds = held(link)
    if made_in(link) == made_in(ours.protected_resource) and isinstance(holds.get("requirement"), Requirement):
        return [token_guard(holds["requirement"])]
    if made_in(link) == made_in(protected_mcp) and isinstance(holds.get("endpoint"), Endpoint):
        return [token_guard(holds["endpoint"].requirement)]
    if made_in(link) == made_in(user_passes_test) and "test_func" in holds:
        return [_user_test(holds["test_func"])]
    if made_in(link) == made_in(method_decorator) and "decorators" in holds:
        return [guard for decorator in reversed(holds["decorators"]) for guard in guards(decorator(_handler))]
    return _admin(link, holds)


def _handler(*args: object, **kwargs: object) -> None:
    """What decorators of methods are shown, as `method_decorator` itself does it."""


def _user_test(test: Any) -> Guard:
    name = str(attribute(test, "__qualname__")).partition(".")[0]
    name = name if name in _USER_TESTS else "user_passes_test"
    if name == "permission_required" and tuple(held(test).get("perms", ())) and _is_stock_authentication():
        return Guard(words=name)
    return Guard(words=name, passes=passes(lambda: awaited(test(nobody()))))


def _is_stock_authentication() -> bool:
    """Whether all authentication backends are Django's. Another may give permissions to strangers."""
    return all(path.startswith("django.contrib.auth.backends.") for path in settings.AUTHENTICATION_BACKENDS)


def _admin(link: Any, holds: Mapping[str, Any]) -> list[Guard]:
    """What an admin site wraps, or hands to its `admin_view`."""
    name = str(attribute(attribute(link, "__code__"), "co_qualname"))
    if name != _ADMIN_VIEW and not (name.endswith(_ADMIN_WRAPPER) and "django" in made_in(link)):
        return []
    site: Any = attribute(holds.get("self"), "admin_site") or holds.get("self")
    admin_site = sys.modules[_ADMIN].AdminSite
    asks = owner(type(site), "admin_view") is admin_site or not changed_by(type(site), "admin_view", answer=True)
    verdict = passes(lambda: site.has_permission(request("GET", "/"))) if asks else None
    return [Guard(words="staff (admin site)", passes=verdict)]


# -- classes -----------------------------------------------------------------------------------------------------------


def _of_class(kind: type[View], initkwargs: dict[str, Any], method: str, path: str) -> Protection:
    @cache
    def called() -> View:
        one = kind(**initkwargs)
        one.setup(request(method, path))
        one.kwargs = Unknown()
        return one

    found, doubtful = guards_of_class(kind, called)
    handler = guards(attribute(kind, method.lower()))
    found += [one.behind(doubtful) for one in handler] if doubtful else handler
    return Protection(view=dotted(kind), methods=(method,)).guarded(merged(found), MECHANISM)


def _asks_for_a_token(link: Any) -> bool:
    """Whether *link* is what `ProtectedResourceMixin` puts before each `dispatch`."""
    return made_in(link) == made_in(ours.protected_resource) and "dispatch" in held(link)


def _token(kind: type, one: Callable[[], Any]) -> Guard:
    """What the class says for a request that nobody made. It may need a real one, or have forgotten to say: then nobody passes unasked."""
    try:
        return token_guard(one().get_requirement())
    except Exception:  # whatever the project's code raises
        return Guard(words=AT_RUN_TIME)


def _login(kind: type, one: Callable[[], Any]) -> Guard:
    return _refusing(kind, Guard(words="LoginRequiredMixin"))


def _permission(kind: type, one: Callable[[], Any]) -> Guard:
    """Django's backends give a stranger none, so that nobody has to ask them."""
    if owner(kind, "has_permission").__module__ == _MIXINS and _is_stock_authentication():
        verdict = passes(lambda: not tuple(one().get_permission_required()))
    else:
        verdict = passes(lambda: one().has_permission())
    return _refusing(kind, Guard(words="PermissionRequiredMixin", passes=verdict))


def _test(kind: type, one: Callable[[], Any]) -> Guard:
    return _refusing(kind, Guard(words="UserPassesTestMixin", passes=passes(lambda: one().get_test_func()())))


def _refusing(kind: type, guard: Guard) -> Guard:
    """*guard*, if who refuses is Django: a `handle_no_permission` of the project's own may answer with the page itself."""
    base = owner(kind, "handle_no_permission")
    name = "handle_no_permission"
    if guard.passes is not False or not changed_by(kind, name, answer=True, judged=True):
        return guard
    return replace(guard, words=f"{guard.words} (refuses by {dotted(base)}.{name})", passes=None)


_MIXIN_GUARDS: Final[Mapping[str, Callable[[type, Callable[[], Any]], Guard]]] = {
    f"{_MIXINS}.LoginRequiredMixin": _login,
    f"{_MIXINS}.PermissionRequiredMixin": _permission,
    f"{_MIXINS}.UserPassesTestMixin": _test,
}
"""By their names: to import them imports models."""


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


# -- methods -----------------------------------------------------------------------------------------------------------


def _methods_of_class(kind: type[View]) -> list[str]:
    named = [name for name in kind.http_method_names if name not in _NOT_LISTED and hasattr(kind, name)]
    return [name.upper() for name in named] or ["OPTIONS"]


def _methods_of_function(view: Any) -> tuple[str, ...]:
    """What `require_http_methods` lets through."""
    for link in chain(view):
        allowed = held(link).get("request_method_list")
        if allowed is not None:
            return tuple(sorted(set(allowed) - {name.upper() for name in _NOT_LISTED})) or tuple(allowed)
    return ()
