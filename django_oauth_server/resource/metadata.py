"""The metadata of the protected resources (RFC 9728), derived from what the routes require."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, reduce
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, JsonResponse

from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.condition import joined
from django_oauth_server.resource.conf import audiences, bindings, load, verifier
from django_oauth_server.resource.cross_origin import preflight, shared
from django_oauth_server.resource.django import open_resource
from django_oauth_server.resource.locations import is_at
from django_oauth_server.resource.requirement import Requirement, scopes_of
from django_oauth_server.resource.routes.base import routes
from django_oauth_server.resource.scopes import NOT_FOR_RESOURCES

_CACHED: Final = {"Cache-Control": "public, max-age=3600"}
"""An hour: it changes with a deployment only, and a client that meets a challenge meanwhile reads the scopes there."""


@open_resource
def metadata(request: HttpRequest, suffix: str | None = None) -> HttpResponse:
    """The document of the resource whose path is *suffix*, for anybody, of any origin.

    Scripts look for it in several places, and are to see that there is none in one of them: without the header a browser tells them of a failure.
    """
    if request.method == "OPTIONS":
        return preflight(request, "GET")
    if request.method not in {"GET", "HEAD"}:
        return shared(HttpResponse(status=405, headers={"Allow": "GET, HEAD, OPTIONS"}))
    resource = _resource(request, suffix or "")
    if resource is None:
        return shared(HttpResponse(status=404))
    return shared(JsonResponse(document(resource, settings.ROOT_URLCONF), headers=_CACHED))


@cache
def document(resource: str, urlconf: str) -> dict[str, object]:
    """RFC 9728 section 2. A member without a value is left out (section 3.2)."""
    requirements = _requirements(resource, urlconf)
    members: dict[str, object] = {
        "resource": resource,
        "authorization_servers": [server.issuer for server in verifier().authorization_servers()],
        "scopes_supported": sorted(scopes_of(requirements) - NOT_FOR_RESOURCES),
        "bearer_methods_supported": ["header", "body"],
        "resource_name": str(load().name),
    }
    told: list[Mapping[str, object]] = [
        members,
        *(one.metadata() for one in requirements),
        *(one.metadata() for one in bindings().values()),
        *_required(requirements),
    ]
    whole: Mapping[str, object] = reduce(joined, told)
    return {name: value for name, value in {**members, **whole}.items() if value}


def _required(requirements: list[Requirement]) -> Iterator[Mapping[str, object]]:
    """What is told where every operation takes bound tokens alone, and there is one way to bind them."""
    if requirements and all(one.bound for one in requirements) and len(bindings()) == 1:
        yield from (one.required_metadata() for one in bindings().values())


def _resource(request: HttpRequest, suffix: str) -> str | None:
    """The identifier of the resource there. Of several at the same path the one that the query and the host name: it is the client's to compare
    (section 3.3)."""
    query = request.META.get("QUERY_STRING", "")
    found = [one for one in audiences() if is_at(one, suffix) and urlsplit(one).query in {"", query}]
    host = request.get_host()
    return max(found, key=lambda one: (urlsplit(one).netloc == host, bool(urlsplit(one).query)), default=None)


def _requirements(resource: str, urlconf: str) -> list[Requirement]:
    """Those that name *resource*, and those that name none: a token for any of the project's resources is good for them."""
    asked = (route.requirement for route in routes(urlconf))
    return [
        one for one in asked if one is not None and (not one.resource or names_one_of((one.resource,), (resource,)))
    ]


def _forget(**_: object) -> None:
    document.cache_clear()


setting_changed.connect(_forget)
