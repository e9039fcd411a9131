"""What `manage.py check` says of the settings: errors stop the server, warnings name a risk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from ssl import create_default_context
from typing import Final
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix
from django.utils.module_loading import import_string

from django_oauth_server.conf.moments import clocks_change
from django_oauth_server.issuer import Issuer
from django_oauth_server.registry import issuers
from django_oauth_server.tokens.claims import UserClaims
from django_oauth_server.tokens.formats.base import TokenFormat


@register(Tags.security)
def check_issuers(app_configs: Sequence[AppConfig] | None = None, **kwargs: object) -> list[CheckMessage]:
    """Settings that cannot be read, and what each component warns of."""
    try:
        return [*_check_project(), *(message for issuer in issuers() for message in _check(issuer))]
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="oauth_server.E001")]


def _check_project() -> Iterator[CheckMessage]:
    yield from _check_people()
    yield from _check_clocks()
    yield from _check_hosts()
    yield from _check_replicas()


def _check_people() -> Iterator[CheckMessage]:
    if not issubclass(get_user_model(), AbstractBaseUser):
        yield Error(
            f"AUTH_USER_MODEL {get_user_model()._meta.label} is no AbstractBaseUser: nobody could tell when a password was changed.",
            id="oauth_server.E006",
        )


def _check_clocks() -> Iterator[CheckMessage]:
    if clocks_change():
        yield Warning(
            "USE_TZ is False, and the time zone has summer time: in the night when it ends, codes and tokens live for an hour longer, "
            "and in the night when it begins for an hour less.",
            hint='Set USE_TZ = True, or TIME_ZONE = "UTC".',
            id="oauth_server.W009",
        )


def _check_hosts() -> Iterator[CheckMessage]:
    for one, other in combinations(issuers(), 2):
        if urlsplit(one.settings.issuer)[1:] == urlsplit(other.settings.issuer)[1:]:
            yield Error(
                f"{one} and {other} differ by their scheme alone, so that no request says which of them is meant.",
                hint="Give each a host or a path of its own, or leave one out.",
                id="oauth_server.E011",
            )


_MANY: Final = 20


def _check_replicas() -> Iterator[CheckMessage]:
    """A code is redeemed, and a token used, moments after it was written: a copy that lags behind does not know it yet."""
    for model in apps.get_app_config("django_oauth_server").get_models():
        written = router.db_for_write(model)
        for read in {router.db_for_read(model) for _ in range(_MANY)} - {written}:  # some routers choose at random
            yield Warning(
                f"DATABASE_ROUTERS read {model._meta.label} from {read!r} and write it to {written!r}: until the replica has caught up, "
                "new codes and tokens are unknown, and revoked ones are accepted.",
                hint="Let db_for_read answer the same as db_for_write for the app django_oauth_server.",
                id="oauth_server.W010",
            )
            return


def _check(issuer: Issuer) -> Iterator[CheckMessage]:
    for component in issuer.components:
        yield from component.checks(issuer.settings)
    formats = issuer.components.of(TokenFormat)
    if issuer.settings.access_token_format not in formats:
        yield Error(
            f"access_token_format {issuer.settings.access_token_format!r} of {issuer} is none of {', '.join(formats)}.",
            id="oauth_server.E002",
        )
    if issuer.settings.outbound_ca_bundle:
        yield from _check_bundle(issuer)
    if not issuer.settings.scopes:
        yield Warning(f"{issuer} offers no scopes, so that nobody can ask for anything.", id="oauth_server.W003")
    if issuer.policy.allow_plain_pkce:
        yield Warning(
            f"{issuer} accepts code_challenge_method=plain, which protects nothing once the request is seen (RFC 9700 section 2.1.1).",
            id="oauth_server.W004",
        )
    if issuer.policy.allow_http_redirect_uris:
        yield Warning(
            f"{issuer} lets clients register http redirect URIs: codes travel in the clear (RFC 9700 section 2.6).",
            id="oauth_server.W005",
        )
    yield from _check_named(issuer)
    yield from _check_urls(issuer)


def _check_named(issuer: Issuer) -> Iterator[CheckMessage]:
    """What would otherwise be missed only while somebody waits for an answer."""
    for setting, find in _NAMED.items():
        name = getattr(issuer.settings, setting)
        try:
            if name:
                find(name)
        except (ImportError, NoReverseMatch, InvalidCacheBackendError) as exc:
            yield Error(f"{setting} of {issuer} is {name!r}, which cannot be used: {exc}", id="oauth_server.E010")


def _find_claims(path: str) -> None:
    found = import_string(path)
    if not (isinstance(found, type) and issubclass(found, UserClaims)):
        raise ImportError("it is no UserClaims.")


_NAMED: Final[Mapping[str, Callable[[str], object]]] = {
    "claims": _find_claims,
    "authentication": import_string,
    "reauthentication_url": resolve_url,
    "account_creation_url": resolve_url,
    "revocation_cache": caches.__getitem__,
}


def _check_bundle(issuer: Issuer) -> Iterator[CheckMessage]:
    try:
        create_default_context(cafile=issuer.settings.outbound_ca_bundle)
    except OSError as exc:
        yield Error(
            f"outbound_ca_bundle of {issuer} cannot be read: {exc}.",
            hint="It is a PEM file of certificates.",
            id="oauth_server.E007",
        )


def _check_urls(issuer: Issuer) -> Iterator[CheckMessage]:
    expected = f"/.well-known/oauth-authorization-server{issuer.path}"
    try:
        found = issuer.url_path("metadata")
    except NoReverseMatch:
        yield Error(
            f"The endpoints of {issuer} are in no URLconf.",
            hint='Add path("", include("django_oauth_server.urls")).',
            id="oauth_server.E005",
        )
        return
    if found != expected:
        yield Error(
            f"The metadata of {issuer} is served at {found}; clients look for it at {expected} (RFC 8414 section 3.1).",
            hint=_hint_of_path(issuer, found.removesuffix(expected)),
            id="oauth_server.E004",
        )


def _hint_of_path(issuer: Issuer, before: str) -> str:
    mount = get_script_prefix().rstrip("/")
    if mount and before == mount:
        return f'The project is mounted at {mount} (FORCE_SCRIPT_NAME). Set "issuer" to "{issuer.origin}{mount}{issuer.path}".'
    return 'Include "django_oauth_server.urls" at the root of the URLconf; an issuer with a path brings its own.'
