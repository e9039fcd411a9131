"""Beginning at this site a sign-in at another (OpenID Connect Core section 4): the relying party is told whom to ask, and asks."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from django_oauth_server.authorization.describe import describe_client, why_unproven
from django_oauth_server.clients.presentation import proves_itself
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import Component, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import patient
from django_oauth_server.endpoints.pages import render_page
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.uris import add_parameters, check_web_uri


class StartSignIn(Component):
    """For clients that registered `initiate_login_uri`. A person presses a button: no link to this site leads elsewhere by itself."""

    name = "start_sign_in"
    endpoints = (
        Endpoint(
            "start_sign_in", "oauth/start/<path:client_id>", "django_oauth_server.endpoints.start_sign_in.start_sign_in"
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid


@patient
@csrf_protect
@require_http_methods(["GET", "POST"])
def start_sign_in(http: HttpRequest, issuer: Issuer, client_id: str) -> HttpResponse:
    """Say where it leads; then lead there, with `iss`."""
    client = find_client(issuer, client_id)
    address = _address(client)
    if client is None or not address:
        raise Http404
    if http.method == "POST":
        location = add_parameters(address, [("iss", issuer.settings.issuer)], "query")
        return HttpResponse(status=303, headers={"Location": location, "Referrer-Policy": "no-referrer"})
    context = {
        "issuer_name": issuer.settings.name,
        "client": describe_client(client, issuer),
        "destination": urlsplit(address).netloc,
        "connected_apps_url": issuer.url_path("connected_apps"),
        "unproven": why_unproven(client, proves_itself=proves_itself(client, address, issuer)),
    }
    return render_page(http, "oauth_server/start_sign_in.html", context, to_client=True)


def _address(client: Client | None) -> str:
    """Empty where there is none, or none that may be shown."""
    address = str(client.metadata.get("initiate_login_uri", "")) if client and client.is_active else ""
    try:
        check_web_uri(address)
    except ValueError:
        return ""
    return address
