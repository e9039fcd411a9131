"""Where pages take a client's logo from."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from django_oauth_server.clients.logos import Picture, logo_of
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import Component, Endpoint
from django_oauth_server.endpoints.http import patient
from django_oauth_server.issuer import Issuer

_DRAWN: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#e9eefc"/>'
    '<text x="32" y="43" text-anchor="middle" font-family="sans-serif" font-size="30" font-weight="600" fill="#2746b0">{}</text></svg>'
)
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Logo(Component):
    """A client's logo, from this origin."""

    name = "logo"
    parameters = frozenset({"client_id", "logo_uri"})
    endpoints = (Endpoint("logo", "oauth/logo", "django_oauth_server.endpoints.logo.logo"),)


@patient
@require_safe
def logo(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """The picture; the client's initial, drawn here, where there is none."""
    client_id = http.GET.get("client_id", "")
    client = find_client(issuer, client_id) if client_id else None
    if client is None or not client.is_active:
        return HttpResponse(status=404, headers=_HEADERS)
    found = logo_of(client, http.GET.get("logo_uri", ""), issuer.settings)
    shown = found or Picture("image/svg+xml", format_html(_DRAWN, client.name[:1].upper()).encode())
    seconds = 3600 if found else 5  # it may be on its way
    headers = _HEADERS | {"Cache-Control": f"private, max-age={seconds}"}
    return HttpResponse(shown.body, content_type=shown.content_type, headers=headers)
