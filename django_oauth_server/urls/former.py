"""The addresses that clients have from the server that stood here before. Our endpoints answer there, and who still calls them is counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.module_loading import import_string

from django_oauth_server.adoption.addresses import Address, Addresses
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.basic import parse_basic
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.former_calls import note_call
from django_oauth_server.urls import View, at_issuer, views_of


def former_urls(addresses: Addresses) -> Iterator[URLPattern]:
    """Of the default issuer, each address that stands for an endpoint that it offers."""
    issuer = default_issuer()
    offered = {endpoint.name: (endpoint, view) for endpoint, view in views_of(issuer).items()}
    for one in addresses.each:
        if one.endpoint not in offered:
            continue
        endpoint, view = offered[one.endpoint]
        served = at_issuer(issuer.namespace, endpoint, _counted(one, import_string(one.view) if one.view else view))
        yield path(one.route, served, name=one.name)
        if one.slash:
            yield path(f"{one.route}/", served)


def _counted(address: Address, view: View) -> View:
    """*view*, for which each call that was answered is counted: strangers who are refused are not."""

    @wraps(view)
    def counted(http: HttpRequest, issuer: Issuer, **kwargs: object) -> HttpResponse:
        response = view(http, issuer=issuer, **kwargs)
        if response.status_code < 400:
            note_call(issuer.settings.issuer, address.name, _client_named_in(http), timezone.now())
        return response

    return counted


def _client_named_in(http: HttpRequest) -> str:
    """As the request names it, which was answered; empty where it names none."""
    said: str = http.GET.get("client_id") or http.POST.get("client_id") or ""
    scheme, _, credentials = http.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if said or scheme.lower() != "basic":
        return said
    with suppress(ValueError):
        return parse_basic(credentials.strip())[0]
    return ""
