"""Protection of everything below a URL prefix: what is not said to be open is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

from django_oauth_server.resource.admission import aadmit, admit
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.conf import load
from django_oauth_server.resource.django import refused
from django_oauth_server.resource.people import attach
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.token import VerifiedToken

GetResponse = Callable[[HttpRequest], "HttpResponseBase | Awaitable[HttpResponseBase]"]


class ProtectedPrefixMiddleware:
    """Asks for a good token wherever the setting `protected_prefixes` says; views may require more.

    It stands behind AuthenticationMiddleware, whose user it replaces by the token's. A path that no view answers is protected as well, so that
    a stranger does not learn what there is.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        requirement = requirement_of(request.path_info)
        if requirement is None or _is_open(request):
            return self.get_response(request)
        if self.is_async:
            return self._asked_async(request, requirement)
        return _refusal(request, admit(request, requirement)) or self.get_response(request)

    async def _asked_async(self, request: HttpRequest, requirement: Requirement) -> HttpResponseBase:
        refusal = _refusal(request, await aadmit(request, requirement))
        return refusal or await self.get_response(request)  # type: ignore[misc]


def requirement_of(path: str) -> Requirement | None:
    """What everything at *path* requires; None where no prefix protects it. Of several the longest prefix counts."""
    path = "/" + path.lstrip("/")
    prefixes = [prefix for prefix in load().protected_prefixes if path.startswith(prefix) or path == prefix[:-1]]
    if not prefixes:
        return None
    return load().protected_prefixes[max(prefixes, key=len)] or requires()


def _is_open(request: HttpRequest) -> bool:
    """Whether the view says so (`open_resource`)."""
    try:
        return bool(getattr(resolve(request.path_info, getattr(request, "urlconf", None)).func, "is_open", False))
    except Resolver404:
        return False


def _refusal(request: HttpRequest, outcome: VerifiedToken | Challenge) -> HttpResponseBase | None:
    if isinstance(outcome, Challenge):
        return refused(outcome)
    attach(request, outcome)
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # a token is not ambient: Django's middleware asks for no second proof
    return None
