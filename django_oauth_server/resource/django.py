"""Protection of plain Django views, functions and classes, sync and async."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.module_loading import import_string
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_oauth_server.resource.admission import aadmit, admit
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.conf import load
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.token import VerifiedToken

ViewFunction = Callable[..., Any]


def protected_resource(
    *demands: str | Requirement, audience: str | None = None
) -> Callable[[ViewFunction], ViewFunction]:
    """Let only those call the view who present a good token with all of *demands*; the view finds it as `request.auth`.

    The view is exempt from Django's CSRF check: a token is not ambient, and a cookie opens nothing here.
    """
    requirement = requires(*demands, audience=audience)

    def protect(view: ViewFunction) -> ViewFunction:
        return csrf_exempt(_async(view, requirement) if iscoroutinefunction(view) else _sync(view, requirement))

    return protect


def _sync(view: ViewFunction, requirement: Requirement) -> ViewFunction:
    @wraps(view)
    def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        outcome = admit(request, requirement)
        if isinstance(outcome, Challenge):
            return _refusal(outcome)
        _attach(request, outcome)
        return cast("HttpResponseBase", view(request, *args, **kwargs))

    return protected


def _async(view: ViewFunction, requirement: Requirement) -> ViewFunction:
    @wraps(view)
    async def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        outcome = await aadmit(request, requirement)
        if isinstance(outcome, Challenge):
            return _refusal(outcome)
        _attach(request, outcome)
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


def _refusal(challenge: Challenge) -> JsonResponse:
    headers = {"WWW-Authenticate": challenge.header(load().realm), "Cache-Control": "no-store"}
    return JsonResponse(challenge.body(), status=challenge.status, headers=headers)


def _attach(request: HttpRequest, token: VerifiedToken) -> None:
    """Put *token* and its user on *request*; neither `user` nor `auser` may still name whom a cookie named."""
    user = token.user if token.user is not None else _nobody()

    async def auser() -> object:
        await sync_to_async(bool)(user)  # a verifier may fetch the user when it is first looked at: not in the loop
        return user

    request.auth, request.user, request.auser = token, user, auser  # type: ignore[attr-defined,assignment]


def _nobody() -> Any:
    """The user of a token that names none; None in a project without users."""
    return (
        import_string("django.contrib.auth.models.AnonymousUser")()
        if apps.is_installed("django.contrib.auth")
        else None
    )
