"""For a project's sign-in page: `{% load oauth_server %}`."""

from __future__ import annotations

from django import template
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest

from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.clients.throttling import serving
from django_oauth_server.errors import InvalidRequest, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.registry import issuers
from django_oauth_server.storage.transaction import Conflict

register = template.Library()


@register.simple_tag
def signing_in_for(request: HttpRequest) -> dict[str, object] | None:
    """The app that sent the person here, as the consent page is given it: `{% signing_in_for request as client %}`. None: they came by themselves.

    Who was sent comes back to the authorization endpoint, by the address in `next`. Nothing proves yet that the app sent them.
    """
    back = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    address, _, query = back.partition("?")
    asked = next((one for one in issuers() if address in {one.url_path("authorize"), one.url("authorize")}), None)
    if asked is None:
        return None
    with serving(request):
        return _described(query, asked)


def _described(query: str, issuer: Issuer) -> dict[str, object] | None:
    try:
        client_id = Parameters.parse(query.encode()).get("client_id")
        client = find_client(issuer, client_id) if client_id else None
    except (InvalidRequest, TemporarilyUnavailable, Conflict):
        return None
    return describe_client(client, issuer) if client and client.is_active else None
