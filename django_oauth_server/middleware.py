"""Middleware of the authorization server."""

from __future__ import annotations

from collections.abc import Callable

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse

from django_oauth_server.authorization.browser_state import COOKIE, browser_state
from django_oauth_server.conf.cookies import session_path


class BrowserStateMiddleware:
    """Tells scripts of the session iframe that somebody signed in or out, anywhere in the project (OpenID Connect Session Management 1.0).

    Stands behind SessionMiddleware. Asks nothing of a request that did not look at its session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, http: HttpRequest) -> HttpResponse:
        response = self._get_response(http)
        if not http.session.accessed or response.status_code == 503:  # an outage is not waited for twice
            return response
        try:
            state = browser_state(http)
        except DatabaseError:  # the session cannot be read: the answer, which says so, has to be let out
            return response
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
        return response
