"""Protection of plain Django views, functions and classes, sync and async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from difflib import get_close_matches
from functools import partial, wraps
from inspect import isawaitable
from typing import Any, ClassVar, Final, TypeVar, Unpack, cast

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_oauth_server.resource.admission import aadmit, admit, by_token, refusal_headers
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.closures import attribute
from django_oauth_server.resource.people import attach
from django_oauth_server.resource.requirement import Demands, Requirement, requires

ViewFunction = Callable[..., Any]
V = TypeVar("V", bound=Callable[..., Any])


def protected_resource(
    *demands: str | Requirement, **further: Unpack[Demands]
) -> Callable[[ViewFunction], ViewFunction]:
    """Let only those call the view who present a good token with all of *demands*; the view finds it as `request.auth`.

    The arguments are those of `requires`. The view is exempt from Django's CSRF check: a token is not ambient, and a cookie opens nothing here.
    """
    requirement = requires(*demands, **further)

    def protect(view: ViewFunction) -> ViewFunction:
        if isinstance(view, type):
            raise TypeError(
                f"{view.__name__} is a class, and protected_resource is for functions. Derive it from ProtectedResourceMixin."
            )
        if not callable(view):
            raise TypeError(f"protected_resource decorates a view, and {type(view).__name__} is none.")
        protected = by_token_alone(_async(view, requirement) if iscoroutinefunction(view) else _sync(view, requirement))
        protected.requirement = requirement  # type: ignore[attr-defined]
        return protected

    return protect


def open_resource(view: V) -> V:
    """Say that *view* is open on purpose, under a protected prefix too. `manage.py protection` lists it as open."""
    view.is_open = True  # type: ignore[attr-defined]
    return view


def is_open(view: object) -> bool:
    """Whether *view* says so (`open_resource`). Another attribute of that name says nothing."""
    return attribute(view, "is_open") is True


def by_token_alone(view: ViewFunction) -> ViewFunction:
    """*view* looks at no cookie: neither Django's CSRF check nor its `LoginRequiredMiddleware` has anything to ask."""
    return csrf_exempt(login_not_required(view))


def _sync(view: ViewFunction, requirement: Requirement) -> ViewFunction:
    @wraps(view)
    def protected(
        request: HttpRequest, *args: object, **kwargs: object
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        outcome = admit(request, requirement)
        if isinstance(outcome, Challenge):
            return refused(request, outcome)
        attach(request, outcome)
        response = view(request, *args, **kwargs)
        return (
            _awaited(request, response)
            if isawaitable(response)
            else by_token(request, cast("HttpResponseBase", response))
        )

    return protected


async def _awaited(request: HttpRequest, response: Awaitable[HttpResponseBase]) -> HttpResponseBase:
    """Of an async view whose decorators do not say that it is one."""
    return by_token(request, await response)


def _async(view: ViewFunction, requirement: Requirement) -> ViewFunction:
    @wraps(view)
    async def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        outcome = await aadmit(request, requirement)
        if isinstance(outcome, Challenge):
            return refused(request, outcome)
        attach(request, outcome)
        return by_token(request, cast("HttpResponseBase", await view(request, *args, **kwargs)))

    return protected


def _asking(dispatch: ViewFunction) -> ViewFunction:
    """*dispatch*, once the caller holds what the view requires."""

    @wraps(dispatch)
    def asked(self: ProtectedResourceMixin, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        if self._asked is request:  # by a class that derives from this one
            return dispatch(self, request, *args, **kwargs)
        self._asked = request
        guard = _async if self.view_is_async else _sync
        return guard(partial(dispatch, self), self.get_requirement())(request, *args, **kwargs)

    asked.asks_for_a_token = True  # type: ignore[attr-defined]
    return asked


class ProtectedResourceMixin(View):
    """`protected_resource` for class-based views. The token is judged before any `dispatch`, in whichever order the bases stand."""

    required_scopes: ClassVar[Sequence[str] | None] = None
    requirement: ClassVar[Requirement | None] = None
    """What scopes alone do not say. Of a class that has both, both are required."""
    _asked: HttpRequest | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_names(cls)
        _declared(cls.required_scopes, cls.requirement)
        if not hasattr(cls.dispatch, "asks_for_a_token"):
            cls.dispatch = _asking(cls.dispatch)  # type: ignore[method-assign]

    def get_requirement(self) -> Requirement:
        """What a caller must hold; override it where that depends on the request."""
        return _required(type(self), self.required_scopes, self.requirement)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> ViewFunction:
        if "dispatch" in initkwargs or not hasattr(cls.dispatch, "asks_for_a_token"):
            raise TypeError(
                f"dispatch of {cls.__name__} is replaced, and asks for no token. Override it in a subclass instead."
            )
        if cls.get_requirement is ProtectedResourceMixin.get_requirement and "get_requirement" not in initkwargs:
            _required(cls, *(initkwargs.get(name, getattr(cls, name)) for name in _DECLARATIONS))
        return by_token_alone(super().as_view(**initkwargs))

    @_asking
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


_DECLARATIONS: Final = ("required_scopes", "requirement")


def _required(cls: type, scopes: object, requirement: object) -> Requirement:
    declared = _declared(scopes, requirement)
    if not declared:
        raise ImproperlyConfigured(f"{cls.__name__} needs a requirement, or required_scopes as a list or tuple.")
    return requires(*declared)


def _declared(scopes: object, requirement: object) -> list[Requirement]:
    """What a class says that it requires. Raises TypeError or ValueError with what to write."""
    if scopes is not None and not isinstance(scopes, (list, tuple, set, frozenset)):
        raise TypeError(f'required_scopes is a list or tuple of scopes, such as ["notes:read"], not {scopes!r}.')
    if requirement is not None and not isinstance(requirement, Requirement):
        raise TypeError(
            f"requirement is what requires() of django_oauth_server.resource.requirement gives, not {requirement!r}."
        )
    said = [] if scopes is None else [requires(*scopes)]
    return said if requirement is None else [*said, requirement]


_DEMANDING: Final = (bool, str, list, tuple, set, frozenset, timedelta, Requirement)
"""What a demand may be, under whichever name."""


def _check_names(cls: type) -> None:
    """A declaration under a name that is nearly right would mean nothing, and a base class's would be taken for it."""
    for name, value in vars(cls).items():
        if not isinstance(value, _DEMANDING) or name in _DECLARATIONS:
            continue
        if name in Demands.__annotations__:
            raise TypeError(f"{cls.__name__}.{name} requires nothing. Write requirement = requires(..., {name}=...).")
        close = get_close_matches(name, _DECLARATIONS, n=1, cutoff=0.8)
        meant = ["required_scopes"] if name in {"scope", "scopes"} else close
        if meant:
            raise TypeError(f"{cls.__name__}.{name} requires nothing. Did you mean {meant[0]}?")


def refused(request: HttpRequest, challenge: Challenge) -> JsonResponse:
    """The response that tells *challenge*."""
    response = JsonResponse(challenge.body(), status=challenge.status, headers=refusal_headers(challenge))
    return by_token(request, response)
