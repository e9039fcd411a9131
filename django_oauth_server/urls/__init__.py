"""The URLs of every issuer, derived from its components: `path("", include("django_oauth_server.urls"))`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, wraps

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver, get_script_prefix, include, path
from django.urls.resolvers import RoutePattern
from django.utils.module_loading import import_string

from django_oauth_server.component import WELL_KNOWN, Endpoint
from django_oauth_server.issuer import APP_NAME, Issuer
from django_oauth_server.registry import issuer_meant, issuers

View = Callable[..., HttpResponse]


class _IssuerURLs(URLResolver):
    """The URLs of one issuer. Each has the issuer's path once, whether the project brings it or is mounted there.

    A mounted project (`SCRIPT_NAME`, `FORCE_SCRIPT_NAME`) does not see the path below which it is mounted. So that is put back before the
    patterns, which have the issuer's whole path, are looked at.
    """

    def __init__(self, issuer: Issuer) -> None:
        patterns = list(_patterns(issuer))
        super().__init__(
            RoutePattern("", is_endpoint=False),
            patterns,
            app_name=APP_NAME,
            namespace=issuer.namespace,
        )
        self._path = f"{issuer.path}/"
        self.plain = {str(one.pattern): one for one in reversed(patterns) if not one.pattern.converters}
        """Those that stand for one path."""
        self.beginnings = tuple({str(one.pattern).partition("/")[0] for one in patterns})

    def resolve(self, path: str) -> ResolverMatch:
        """A well-known URI belongs to the root of the host: a proxy may hand it over as it is."""
        if path.startswith(WELL_KNOWN):
            with suppress(Resolver404):
                return super().resolve(path)
        prefix = get_script_prefix()
        mount = prefix.lstrip("/") if self.is_mounted(prefix) else ""
        if not (mount + path).startswith(self.beginnings):
            raise Resolver404({"path": path})
        return super().resolve(mount + path)

    def match(self, route: str, pattern: URLPattern) -> ResolverMatch:
        """What a request is told that asked for *route*, which is the whole of *pattern*."""
        apps, namespaces, tried = [self.app_name], [self.namespace], [[pattern]]
        return ResolverMatch(
            pattern.callback, (), {}, pattern.name, apps, namespaces, route, tried, captured_kwargs={}, extra_kwargs={}
        )

    def _reverse_with_prefix(self, lookup_view: object, _prefix: str, *args: object, **kwargs: object) -> str:
        prefix = "/" if self.is_mounted(get_script_prefix()) else _prefix
        found: str = super()._reverse_with_prefix(lookup_view, prefix, *args, **kwargs)  # type: ignore[misc]  # Django's own, not in the stubs
        return found

    def is_mounted(self, prefix: str) -> bool:
        """Whether *prefix*, the path of the mount, is where the issuer's path begins."""
        return self._path.startswith(prefix)


class _AllURLs(URLResolver):
    """The URLs of all issuers. Nearly all are plain text, and looked up as such: to find one among thirty issuers costs what it does for one."""

    def __init__(self) -> None:
        every = [*map(_IssuerURLs, issuers())]
        super().__init__(RoutePattern("", is_endpoint=False), every)
        self._plain = {route: (one, pattern) for one in reversed(every) for route, pattern in one.plain.items()}
        self._beginnings = tuple({beginning for one in every for beginning in one.beginnings})

    def resolve(self, path: str) -> ResolverMatch:
        """What begins as none of the URLs does is told at once. Requests for the rest of the project come by here, too."""
        prefix = get_script_prefix()
        route = prefix[1:] + path
        if found := self._plain.get(route):
            urls, pattern = found
            if urls.is_mounted(prefix):
                return urls.match(route, pattern)
        if path.startswith(self._beginnings) or route.startswith(self._beginnings):
            return super().resolve(path)
        raise Resolver404({"path": path})


def _route(issuer: Issuer, endpoint: Endpoint) -> str:
    """RFC 8414 section 3.1: the issuer's path comes behind the well-known suffix; elsewhere it comes first."""
    if endpoint.well_known:
        return f"{WELL_KNOWN}{endpoint.route}{issuer.path}"
    return f"{issuer.path}/{endpoint.route}".lstrip("/")


@cache
def views_of(issuer: Issuer) -> Mapping[Endpoint, View]:
    """What *issuer* offers."""
    components, taken = issuer.components, dict[str, str]()
    located = [one for component in components for one in component.located(issuer.settings)]
    for one in located:
        route = _route(issuer, one)
        if (other := taken.setdefault(route, one.view)) != one.view:
            raise ImproperlyConfigured(f"OAUTH_SERVER: {other} and {one.view} have the same path, /{route}.")
    return {one: import_string(one.view) for one in located}


def at_issuer(namespace: str, endpoint: Endpoint, view: View) -> View:
    """*view*, called with the issuer as its settings are now.

    Of issuers with equal paths the host of the request says which is meant; it answers with its own view, if it has that endpoint.
    """

    @wraps(view)
    def answer(http: HttpRequest, **kwargs: object) -> HttpResponse:
        issuer = issuer_meant(namespace, http)
        if issuer.namespace == namespace:
            return view(http, issuer=issuer, **kwargs)
        if endpoint not in views_of(issuer):
            raise Http404(f"{issuer} does not offer this endpoint.")
        return views_of(issuer)[endpoint](http, issuer=issuer, **kwargs)

    if iscoroutinefunction(view):
        markcoroutinefunction(answer)
    return answer if endpoint.signed_in else login_not_required(answer)


def _patterns(issuer: Issuer) -> Iterator[URLPattern]:
    for endpoint, view in views_of(issuer).items():
        yield path(_route(issuer, endpoint), at_issuer(issuer.namespace, endpoint, view), name=endpoint.name)


def _resources() -> list[URLResolver]:
    """Where the protected resources are in the same project, clients find their metadata beside."""
    if not apps.is_installed("django_oauth_server.resource"):
        return []
    return [path("", include("django_oauth_server.resource.urls"))]


urlpatterns = [_AllURLs(), *_resources()]
