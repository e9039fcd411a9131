"""The URLs of every issuer, derived from the components that it has switched on: `path("", include("django_oauth_server.urls"))`."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string

from django_oauth_server.component import Endpoint
from django_oauth_server.issuer import APP_NAME, Issuer
from django_oauth_server.registry import issuers


def _route(issuer: Issuer, endpoint: Endpoint) -> str:
    """RFC 8414 section 3.1: the issuer's path comes behind the well-known suffix; elsewhere it comes first."""
    if endpoint.well_known:
        return f".well-known/{endpoint.route}{issuer.path}"
    return f"{issuer.path}/{endpoint.route}".lstrip("/")


def _patterns(issuer: Issuer) -> Iterator[URLPattern]:
    for component in issuer.components:
        for endpoint in component.endpoints:
            yield path(_route(issuer, endpoint), import_string(endpoint.view), {"issuer": issuer}, name=endpoint.name)


urlpatterns: list[URLResolver] = [
    path("", include((list(_patterns(issuer)), APP_NAME), namespace=issuer.namespace)) for issuer in issuers()
]
