"""The authorization endpoint (RFC 6749 section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from django_oauth_server.authorization.channel import Channel
from django_oauth_server.authorization.channels.redirect import RedirectChannel
from django_oauth_server.authorization.checks import identify_client
from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.authorization.sources.gather import names_read
from django_oauth_server.authorization.turn import PARAMETER, read_turn
from django_oauth_server.authorization.way_back import can_wait, handle_of
from django_oauth_server.component import AUTHORIZE, REDIRECTING, Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import form_parameters, patient, query_parameters, unreported
from django_oauth_server.endpoints.pages import keeps_opener
from django_oauth_server.endpoints.visit import Visit, come_back, error_page, in_their_language, respond, visited
from django_oauth_server.errors import OAuthError, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.parameters import Parameters


class AuthorizationEndpoint(Component):
    """Steps (A) and (B): a person is asked, and the client is answered."""

    name = "authorization_endpoint"
    parameters = frozenset(
        {"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "resource", "login_hint"}
    )
    repeatable = frozenset({"resource"})  # RFC 8707 section 2
    serves = REDIRECTING
    endpoints = (Endpoint("authorize", "oauth/authorize", "django_oauth_server.endpoints.authorize.authorize"),)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"authorization_endpoint": endpoint("authorize")}


@keeps_opener
@unreported
@patient
@csrf_exempt  # a POST may come from another site: nothing changes before the person answers
@require_http_methods(["GET", "POST"])
def authorize(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """Ask the person what has to be asked; answer the client when nothing has."""
    return visited(http, issuer, issuer.components.of(Channel)[RedirectChannel.name], _authorize)


def _authorize(visit: Visit) -> HttpResponse:
    http, issuer = visit.http, visit.issuer
    try:
        said = form_parameters(http) if http.method == "POST" else query_parameters(http)
    except OAuthError as exc:
        return error_page(http, issuer, exc)
    names = names_read(issuer, AUTHORIZE)
    if http.method == "POST" and not http.user.is_authenticated and can_wait(said.only(names)) and not handle_of(said):
        return in_their_language(visit, said, partial(_ask_again, visit, said, said.only(names)))
    return come_back(visit, said, names)


def _ask_again(visit: Visit, said: Parameters, reference: Parameters) -> HttpResponse:
    """Browsers keep a session's cookie (SameSite=Lax) from what another site posts, but not from the GET that follows."""
    try:
        identify_client(reference, visit.issuer)
    except TemporarilyUnavailable:  # it cannot be said now who asks
        raise
    except OAuthError as exc:
        return error_page(visit.http, visit.issuer, exc)
    turn = read_turn(said.get(PARAMETER, ""), reference, visit.issuer)
    return respond(visit.http, Redirect(visit.way.to(reference, turn)))
