"""The start page, sign-in, the pages of the demo clients, and the API's documentation."""

from __future__ import annotations

import segno
from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def home(request: HttpRequest) -> HttpResponse:
    """Where to go from here."""
    return render(request, "example/home.html", {"issuer_name": settings.SITE_NAME})


class SignIn(LoginView):
    """Django's own. An app may have said whom it expects (`login_hint`, OpenID Connect Core section 3.1.2.1)."""

    extra_context = {"issuer_name": settings.SITE_NAME}

    def get_initial(self) -> dict[str, str]:
        return {"username": self.request.GET.get("login_hint", "")}


def demo(request: HttpRequest) -> HttpResponse:
    """A public client that runs in the browser."""
    return _client_page(request, "example/demo.html", client_id="demo")


def openid_demo(request: HttpRequest) -> HttpResponse:
    """The same, as a relying party of OpenID Connect."""
    return _client_page(request, "example/openid.html", client_id="doorplate")


def tv(request: HttpRequest) -> HttpResponse:
    """A device that asks for a code."""
    return _client_page(request, "example/tv.html", client_id="television")


def qr_code(request: HttpRequest) -> HttpResponse:
    """An address of this site as a QR code. No other is drawn, or anybody could pass theirs off as this site's."""
    uri = request.GET.get("uri", "")
    if not uri.startswith(f"{settings.ISSUER}/") or len(uri) > 500:
        return HttpResponseBadRequest("The address is none of this site.")
    response = HttpResponse(content_type="image/svg+xml", headers={"Cache-Control": "no-store"})
    segno.make_qr(uri, error="m").save(response, kind="svg", border=3, light="#fff", omitsize=True)
    return response


def _client_page(request: HttpRequest, template: str, *, client_id: str) -> HttpResponse:
    """The page is static: the server knows nothing of its tokens."""
    issuer = settings.ISSUER
    context = {
        "issuer_name": settings.SITE_NAME,
        "issuer": issuer,
        "here": issuer + request.path,
        "client_id": client_id,
    }
    response = render(request, template, context)
    response["Content-Security-Policy"] = DEMO_POLICY
    response["Referrer-Policy"] = "no-referrer"  # the code in the address is nobody else's business
    response["Cache-Control"] = "no-store"
    return response


class APIDocs(SpectacularSwaggerSplitView):
    """Swagger UI. Its Authorize button makes it a client like any other; its token lives in the page alone."""

    schema = None  # it is no part of the API

    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = DOCS_POLICY
        return response
