"""Protection of plain Django views, functions and classes, sync and async."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, TypeVar, Unpack, cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_oauth_server.resource.admission import aadmit, admit, refusal_headers
from django_oauth_server.resource.challenge import Challenge
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
        protected = csrf_exempt(_async(view, requirement) if iscoroutinefunction(view) else _sync(view, requirement))
        protected.requirement = requirement  # type: ignore[attr-defined]
        return protected

    return protect


def open_resource(view: V) -> V:
    """Say that *view* is open on purpose, under a protected prefix too. `manage.py protection` lists it as open."""
    view.is_open = True  # type: ignore[attr-defined]
    return view


def _sync(view: ViewFunction, requirement: Requirement) -> ViewFunction:
    @wraps(view)
    def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        outcome = admit(request, requirement)
        if isinstance(outcome, Challenge):
            return refused(outcome)
        attach(request, outcome)
        return cast("HttpResponseBase", view(request, *args, **kwargs))

    return protected


def _async(view: ViewFunction, requirement: Requirement) -> ViewFunction:
    @wraps(view)
    async def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        outcome = await aadmit(request, requirement)
        if isinstance(outcome, Challenge):
            return refused(outcome)
        attach(request, outcome)
        return cast("HttpResponseBase", await view(request, *args, **kwargs))

    return protected


class ProtectedResourceMixin(View):
    """`protected_resource` for class-based views. It is a View itself, so no order of bases leaves its dispatch out."""

    required_scopes: ClassVar[Sequence[str] | None] = None
    requirement: ClassVar[Requirement | None] = None
    """In place of `required_scopes`, where scopes alone do not say it."""

    def get_requirement(self) -> Requirement:
        """What a caller must hold; override it where that depends on the request."""
        if self.requirement is not None:
            return self.requirement
        if self.required_scopes is None or isinstance(self.required_scopes, str):
            raise ImproperlyConfigured(
                f"{type(self).__name__} needs a requirement, or required_scopes as a list or tuple."
            )
        return requires(*self.required_scopes)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> ViewFunction:
        return csrf_exempt(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        handler = _async if self.view_is_async else _sync
        return handler(super().dispatch, self.get_requirement())(request, *args, **kwargs)


def refused(challenge: Challenge) -> JsonResponse:
    """The response that tells *challenge*."""
    return JsonResponse(challenge.body(), status=challenge.status, headers=refusal_headers(challenge))
