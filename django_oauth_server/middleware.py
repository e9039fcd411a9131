"""Middleware of the authorization server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import Error as DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_oauth_server.authorization.browser_state import COOKIE, browser_state
from django_oauth_server.conf.cookies import session_path

Answer: TypeAlias = HttpResponseBase | Awaitable[HttpResponseBase]


class BrowserStateMiddleware:
    """Tells scripts of the session iframe that somebody signed in or out, anywhere in the project (OpenID Connect Session Management 1.0).

    Stands behind SessionMiddleware. Asks nothing of a request that did not look at its session.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, http: HttpRequest) -> Answer:
        answer = self._get_response(http)
        if self._is_async:
            return self._told(http, cast("Awaitable[HttpResponseBase]", answer))
        response = cast("HttpResponseBase", answer)
        if _may_differ(http, response):
            _tell(http, response)
        return response

    async def _told(self, http: HttpRequest, answer: Awaitable[HttpResponseBase]) -> HttpResponseBase:
        response = await answer
        if _may_differ(http, response):
            await sync_to_async(_tell)(http, response)
        return response


def _may_differ(http: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the state is looked at: the view looked at the session, and could (an outage is not waited for twice)."""
    return bool(http.session.accessed) and response.status_code != 503


def _tell(http: HttpRequest, response: HttpResponseBase) -> None:
    try:
        state = browser_state(http)
    except DatabaseError:  # the session cannot be read: the answer, which says so, has to be let out
        return
    if http.COOKIES.get(COOKIE) != state:
        # Read in a frame on other sites' pages, which SameSite=Lax forbids; and None needs TLS.
        secure = http.is_secure()
        response.set_cookie(
            COOKIE,
            state,
            path=session_path(),
            secure=secure,
            httponly=False,
            samesite="None" if secure else "Lax",
        )
