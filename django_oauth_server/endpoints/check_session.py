"""The page that relying parties frame to learn that somebody signed in or out (OpenID Connect Session Management section 3.3)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from django_oauth_server.authorization.browser_state import COOKIE, is_watched
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.pages import own_sources
from django_oauth_server.issuer import Issuer


class SessionManagement(Component):
    """Offered where the middleware is installed that keeps the browser's state."""

    name = "session_management"
    endpoints = (
        Endpoint("check_session", "oauth/check-session", "django_oauth_server.endpoints.check_session.check_session"),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return is_watched(settings)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"check_session_iframe": endpoint("check_session")}


@require_safe
@xframe_options_exempt
def check_session(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """The one page that any site may frame: it shows nothing, and answers `changed` or `unchanged`."""
    response = render(http, "oauth_server/check_session.html", {"cookie": COOKIE})
    response["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {own_sources()}; base-uri 'none'; form-action 'none'; frame-ancestors https: http:"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "public, max-age=3600"
    return response
