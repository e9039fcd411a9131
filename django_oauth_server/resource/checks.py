"""What `manage.py check` says of the protected resources: errors stop the server, warnings name a risk."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_script_prefix, reverse
from django.utils.translation import override

from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.conf import audiences, bindings, load, scope_rule, user_rule, verifier
from django_oauth_server.resource.locations import APP_NAME, SUFFIX
from django_oauth_server.resource.middleware import requirement_of
from django_oauth_server.resource.requirement import scopes_of
from django_oauth_server.resource.routes.base import Route, routes, views
from django_oauth_server.resource.routes.mcp import endpoint_of
from django_oauth_server.resource.routes.middleware import PREFIXES
from django_oauth_server.resource.routes.protection import NO_BEARER, dotted
from django_oauth_server.resource.scopes import covered
from django_oauth_server.resource.verifiers.base import Discerning, Offering

DRF: Final = "django_oauth_server.resource.drf_checks"
"""Of REST framework, which nothing else here imports."""
NO_BEARER_HINT = "Add BearerAuthentication to its authentication_classes, or to DEFAULT_AUTHENTICATION_CLASSES."


@register(Tags.security)
def check_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: object) -> list[CheckMessage]:
    """Settings that cannot be read, or name what is not there."""
    try:
        _read_settings()
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="oauth_resource.E001")]
    return [*_check_foreign(), *(message for one in bindings().values() for message in one.checks(audiences()))]


@register(Tags.urls)
def check_routes(app_configs: Sequence[AppConfig] | None = None, **kwargs: object) -> list[CheckMessage]:
    """Routes that are not protected as the settings say, or in a way that lets nobody in."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        _read_settings()
    except ImproperlyConfigured:
        return []  # check_settings says it
    found = routes()
    messages = import_module(DRF).check_views(views()) if "rest_framework.views" in sys.modules else ()
    return [
        *messages,
        *_check_metadata(),
        *_check_prefixes(found),
        *_check_resources(),
        *_check_scopes(found),
        *(message for view in views() for message in _check_mcp(view)),
        *(message for route in found for message in _check(route)),
    ]


def _read_settings() -> None:
    verifier(), audiences(), user_rule(), bindings()
    if load().scope_covers:
        scope_rule()


def _check_foreign() -> Iterator[CheckMessage]:
    if load().leave_foreign_tokens and not isinstance(verifier(), Discerning):
        yield Warning(
            f"leave_foreign_tokens has no effect: {verifier()!r} cannot tell which tokens may be its own.",
            hint="Add a method may_be_ours(token) to the verifier.",
            id="oauth_resource.W011",
        )


def _check_metadata() -> Iterator[CheckMessage]:
    try:
        served = _paths_by_language()
    except Exception:  # there is none, or the URLconf cannot be read, which Django's own checks say
        return
    expected = f"{get_script_prefix()}{SUFFIX}"
    for found in [one for one in served if one != expected][:1]:
        yield Error(
            f"The metadata of the protected resources is served at {found}, but clients look for it at {expected} (RFC 9728 section 3).",
            hint='Include "django_oauth_server.resource.urls" at the root of the URLconf, outside i18n_patterns().',
            id="oauth_resource.E003",
        )


def _paths_by_language() -> list[str]:
    """Where the metadata is, whatever language a request is answered in: in `i18n_patterns` that differs."""
    paths = [reverse(f"{APP_NAME}:metadata")]
    for language, _ in settings.LANGUAGES[:2] if settings.USE_I18N else ():
        with override(language):
            paths.append(reverse(f"{APP_NAME}:metadata"))
    return paths


def _check_prefixes(found: Sequence[Route]) -> Iterator[CheckMessage]:
    for prefix in load().protected_prefixes:
        if not any(route.may_be_below(prefix) for route in found):
            yield Warning(
                f"protected_prefixes has {prefix}, but no route begins with it.",
                hint="Write the beginning of a path, without domain, script name or language prefix.",
                id="oauth_resource.W007",
            )


def _check_resources() -> Iterator[CheckMessage]:
    """A resource that no issuer knows: whoever asks for a token for it is refused, and no other token opens it."""
    offering = verifier()
    if not isinstance(offering, Offering) or not offering.offered_scopes(""):
        return
    for resource in audiences():
        if not offering.offered_scopes(resource):
            yield Warning(
                f"{resource} is a resource of this project, but no issuer of the project has it in resources, so no client gets a token for it.",
                hint='Add it to "resources" in OAUTH_SERVER, or correct "resource" in OAUTH_RESOURCE_SERVER.',
                id="oauth_resource.W016",
            )


def _check_scopes(found: Sequence[Route]) -> Iterator[CheckMessage]:
    """A scope that is misspelt, each at the first route that requires it: whoever asks for it is refused."""
    offering, said = verifier(), set[str]()
    if not isinstance(offering, Offering):
        return
    for route, asked in ((one, one.requirement) for one in found if one.requirement is not None):
        offered = offering.offered_scopes(asked.resource)
        for scope in sorted(scopes_of([asked]) - said):
            if offered and not covered((scope,), offered):
                said.add(scope)
                close = get_close_matches(scope, offered, n=1)
                where = f" for {asked.resource}" if asked.resource else ""
                yield Warning(
                    f"{_named(route)} requires the scope {scope!r}, which no issuer of this project offers{where}.",
                    hint=f"Did you mean {close[0]!r}?"
                    if close
                    else f"The scopes offered are: {', '.join(sorted(offered))}.",
                    id="oauth_resource.W015",
                )


def _check_mcp(view: object) -> Iterator[CheckMessage]:
    endpoint = endpoint_of(view)
    if endpoint is not None and not endpoint.requirement.resource and len(audiences()) > 1:
        yield Warning(
            f"The MCP endpoint {dotted(view)} accepts tokens for any resource of this project: {', '.join(audiences())}.",
            hint='Name its own resource: protected_mcp(..., audience="https://your.host/mcp").',
            id="oauth_resource.W014",
        )


def _named(route: Route) -> str:
    place = f"{route.path} {route.operation}".rstrip()
    return f"{','.join(route.methods) or 'Any method of'} {place} ({route.view})"


def _check(route: Route) -> Iterator[CheckMessage]:
    named = _named(route)
    if (route.is_open or route.is_unknown) and not route.on_purpose and requirement_of(route.beginning) is not None:
        yield Error(
            f"{named} is under a prefix of protected_prefixes but is not protected: ProtectedPrefixMiddleware is not in MIDDLEWARE.",
            hint=f'Add "{PREFIXES}" to MIDDLEWARE. `manage.py protection` shows what each route requires.',
            id="oauth_resource.E004",
        )
    asked = route.requirement
    if asked is not None and asked.resource and not names_one_of((asked.resource,), audiences()):
        yield Error(
            f"{named} requires a token for {asked.resource}, which is not a resource of this project, so every request is refused.",
            hint=f"The resources of this project are: {', '.join(audiences())}.",
            id="oauth_resource.E005",
        )
    if asked is not None and asked.bound and not bindings():
        yield Error(
            f"{named} requires a token that is bound to a key, but bindings is empty, so every request is refused.",
            hint="Remove the bindings setting to use the bindings that come with the package.",
            id="oauth_resource.E010",
        )
    if NO_BEARER in route.note:
        yield Warning(f"{named} requires {route.words}; {NO_BEARER}.", hint=NO_BEARER_HINT, id="oauth_resource.W006")
