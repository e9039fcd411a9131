"""The URLs of every issuer, derived from its components: `path("", include("django_oauth_server.urls"))`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string

from django_oauth_server.component import Endpoint
from django_oauth_server.issuer import APP_NAME, Issuer
from django_oauth_server.registry import issuer_at, issuers

View = Callable[..., HttpResponse]


def _route(issuer: Issuer, endpoint: Endpoint) -> str:
    """RFC 8414 section 3.1: the issuer's path comes behind the well-known suffix; elsewhere it comes first."""
    if endpoint.well_known:
        return f".well-known/{endpoint.route}{issuer.path}"
    return f"{issuer.path}/{endpoint.route}".lstrip("/")


def _at(namespace: str, view: View) -> View:
    """*view*, called with the issuer as its settings are now."""

    @wraps(view)
    def at_issuer(http: HttpRequest, **kwargs: object) -> HttpResponse:
        return view(http, issuer=issuer_at(namespace), **kwargs)

    return at_issuer


def _patterns(issuer: Issuer) -> Iterator[URLPattern]:
    for component in issuer.components:
        for endpoint in component.endpoints:
            yield path(
                _route(issuer, endpoint), _at(issuer.namespace, import_string(endpoint.view)), name=endpoint.name
            )


def _include(issuer: Issuer) -> URLResolver:
    return path("", include((list(_patterns(issuer)), APP_NAME), namespace=issuer.namespace))


def _resources() -> list[URLResolver]:
    """Where the protected resources are in the same project, clients find their metadata beside."""
    if not apps.is_installed("django_oauth_server.resource"):
        return []
    return [path("", include("django_oauth_server.resource.urls"))]


urlpatterns = [*(_include(issuer) for issuer in issuers()), *_resources()]
