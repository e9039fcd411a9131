"""Token revocation (RFC 7009)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.utils import timezone

from django_oauth_server.clients.authentication import authenticate_client
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import form_parameters, protocol_endpoint, refused_to
from django_oauth_server.endpoints.throttling import count
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.tokens.revoke import revoke_presented


class RevocationEndpoint(Component):
    """A client gives back what it holds."""

    name = "revocation_endpoint"
    parameters = frozenset({"token", "token_type_hint"})
    endpoints = (Endpoint("revoke", "oauth/revoke", "django_oauth_server.endpoints.revoke.revoke"),)
    throttles = {"revocation": "60/m"}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"revocation_endpoint": endpoint("revoke")}


@protocol_endpoint(cors=True)
def revoke(http: HttpRequest, issuer: Issuer) -> Answer:
    """RFC 7009 section 2.2: 200, whether there was anything to revoke or not. The hint is not needed."""
    params = form_parameters(http)
    params.refuse_repeated()
    now = timezone.now()
    client = authenticate_client(http, params, issuer, find_client, now)
    with refused_to(client):
        if not revoke_presented(params.require("token"), client, issuer, now):
            count("revocation", "revocation of unknown tokens", client, http, issuer, now)
    return Answer({})
