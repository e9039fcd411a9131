"""Protection of everything below a URL prefix: what is not said to be open is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

from django_oauth_server.resource.admission import aadmit, admit, by_token
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.conf import load
from django_oauth_server.resource.django import is_open, refused
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.token import VerifiedToken

GetResponse = Callable[[HttpRequest], "HttpResponseBase | Awaitable[HttpResponseBase]"]


class ProtectedPrefixMiddleware:
    """Lets nobody in without a good token wherever the setting `protected_prefixes` says; views may require more.

    It only closes. Only views that ask for a token themselves learn whom it stands for. For the others `request.user` is the session's person, and
    nothing else that keeps a caller out, such as Django's CSRF check, is lifted. A path that no view answers is protected as well, so that a stranger
    does not learn what there is.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
            self.process_view = self._process_view_async  # type: ignore[method-assign,assignment]

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        requirement = requirement_of(request.path_info)
        if requirement is None or is_open(_view(request)):
            return self.get_response(request)
        if self.is_async:
            return self._asked_async(request, requirement)
        refusal = _refusal(request, admit(request, requirement))
        return refusal or by_token(request, cast("HttpResponseBase", self.get_response(request)))

    async def _asked_async(self, request: HttpRequest, requirement: Requirement) -> HttpResponseBase:
        refusal = _refusal(request, await aadmit(request, requirement))
        return refusal or by_token(request, await cast("Awaitable[HttpResponseBase]", self.get_response(request)))

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        """The view itself says whether it is open: another middleware may have led to it since (`request.urlconf`)."""
        requirement = requirement_of(request.path_info)
        return None if requirement is None or is_open(view) else _refusal(request, admit(request, requirement))

    async def _process_view_async(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        requirement = requirement_of(request.path_info)
        return None if requirement is None or is_open(view) else _refusal(request, await aadmit(request, requirement))


def requirement_of(path: str) -> Requirement | None:
    """What everything at *path* requires; None where no prefix protects it. Of several the longest prefix counts."""
    path = "/" + path.lstrip("/")
    prefixes = [prefix for prefix in load().protected_prefixes if path.startswith(prefix) or path == prefix[:-1]]
    if not prefixes:
        return None
    return load().protected_prefixes[max(prefixes, key=len)] or requires()


def _view(request: HttpRequest) -> object:
    """The view to which *request* leads, as far as is known before other middleware; None where there is none."""
    try:
        return resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        return None


def _refusal(request: HttpRequest, outcome: VerifiedToken | Challenge) -> HttpResponseBase | None:
    return refused(request, outcome) if isinstance(outcome, Challenge) else None
