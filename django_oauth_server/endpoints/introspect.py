"""Token introspection (RFC 7662)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.utils import timezone

from django_oauth_server.clients.authentication import authenticate_client
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.sources.find import recall_client
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import form_parameters, judged_as_it_is_now, protocol_endpoint, refused_to
from django_oauth_server.endpoints.throttling import count
from django_oauth_server.errors import InvalidClient
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.tokens.introspect import introspect_presented


class IntrospectionEndpoint(Component):
    """A resource server asks what a token is worth."""

    name = "introspection_endpoint"
    parameters = frozenset({"token", "token_type_hint"})
    endpoints = (Endpoint("introspect", "oauth/introspect", "django_oauth_server.endpoints.introspect.introspect"),)
    throttles = {"introspection": "6000/m"}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"introspection_endpoint": endpoint("introspect")}


@protocol_endpoint(cors=False)
def introspect(http: HttpRequest, issuer: Issuer) -> Answer:
    """Only for callers that prove who they are (RFC 7662 section 2.1): a public client proves nothing."""
    params = form_parameters(http)
    params.refuse_repeated()
    now = timezone.now()
    caller = authenticate_client(http, params, issuer, recall_client, now)
    with refused_to(caller), judged_as_it_is_now(caller):
        if is_public(caller, issuer):
            raise InvalidClient("A public client may not introspect tokens.")
        members = introspect_presented(params.require("token"), caller, issuer, now)
        if not members["active"]:
            count("introspection", "introspection of unknown tokens", caller, http, issuer, now)
        return Answer(members)
