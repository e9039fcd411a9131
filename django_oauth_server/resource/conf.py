"""The `OAUTH_RESOURCE_SERVER` setting as a checked value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from typing import cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_oauth_server.protocol.uris import check_resource
from django_oauth_server.resource.verifiers.base import TokenVerifier

SETTING = "OAUTH_RESOURCE_SERVER"
_PRINTABLE = re.compile(r"[\x20-\x7E]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServerSettings:
    """How this project protects what it serves. Every name may stand in the `OAUTH_RESOURCE_SERVER` setting."""

    verifier: str = "django_oauth_server.verifier.LocalVerifier"
    """The `TokenVerifier`, by dotted path. The default asks the authorization server's tables in the same database."""
    resource: str | tuple[str, ...] = ""
    """The resource identifier (RFC 8707), or several; a token must be meant for one of them. Empty: the verifier's."""
    realm: str = "api"
    """The realm that challenges name (RFC 9110 section 11.5)."""

    @property
    def resources(self) -> tuple[str, ...]:
        """`resource`, always as a tuple."""
        return ((self.resource,) if self.resource else ()) if isinstance(self.resource, str) else self.resource


_NAMES = tuple(field.name for field in fields(ResourceServerSettings))


@cache
def load() -> ResourceServerSettings:
    """The settings of this project. Raises ImproperlyConfigured with what to mend."""
    declared = getattr(settings, SETTING, {})
    if not isinstance(declared, Mapping):
        raise ImproperlyConfigured(f"{SETTING} is a dict, not {type(declared).__name__}.")
    for name in declared:
        if name not in _NAMES:
            close = get_close_matches(str(name).lower(), _NAMES, n=1)
            raise ImproperlyConfigured(
                f"{SETTING} has no {name!r}." + (f" Did you mean {close[0]!r}?" if close else "")
            )
    return _normal(ResourceServerSettings(**declared))


@cache
def verifier() -> TokenVerifier:
    """The verifier of this project, made once."""
    path = load().verifier
    try:
        return cast("TokenVerifier", import_string(path)())
    except ImportError as exc:
        raise ImproperlyConfigured(f"{SETTING}: verifier {path!r} cannot be imported: {exc}") from exc


def audiences() -> tuple[str, ...]:
    """The audiences of which a token must name one. Never empty: a token for anyone proves nothing (RFC 9700)."""
    expected = load().resources or tuple(filter(None, (verifier().default_audience,)))
    if not expected:
        raise ImproperlyConfigured(f'{SETTING} needs a "resource": its verifier knows of no default.')
    return expected


def _normal(one: ResourceServerSettings) -> ResourceServerSettings:
    """*one*, once it is known to be sound."""
    if not isinstance(one.realm, str) or not _PRINTABLE.fullmatch(one.realm):
        raise ImproperlyConfigured(f"{SETTING}: realm {one.realm!r} must be printable ASCII.")
    if not isinstance(one.verifier, str) or "." not in one.verifier:
        raise ImproperlyConfigured(f"{SETTING}: verifier {one.verifier!r} is not a dotted path.")
    if not isinstance(one.resource, (str, list, tuple)):
        raise ImproperlyConfigured(f"{SETTING}: resource must be a string, or a list of them.")
    one = replace(one, resource=one.resource if isinstance(one.resource, str) else tuple(one.resource))
    for identifier in one.resources:
        _check_resource(identifier)
    return one


def _check_resource(identifier: str) -> None:
    try:
        check_resource(identifier)
    except (TypeError, ValueError) as exc:
        raise ImproperlyConfigured(f"{SETTING}: resource {identifier!r}: {exc} (RFC 8707 section 2).") from exc


def _forget(**_: object) -> None:
    """Whichever setting changed: a verifier may have been made from any."""
    load.cache_clear()
    verifier.cache_clear()


setting_changed.connect(_forget)
