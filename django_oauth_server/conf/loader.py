"""From `settings.OAUTH_SERVER` to checked values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from typing import TypeVar, cast, get_args
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.functional import Promise

from django_oauth_server.conf.profiles import PROFILES
from django_oauth_server.conf.rates import parse_rate
from django_oauth_server.conf.settings import (
    THROTTLES,
    IssuerSettings,
    LogoutDelivery,
    Registration,
    RegistrationScopes,
    Resource,
    Scope,
)
from django_oauth_server.protocol.destinations import PrivateHosts
from django_oauth_server.protocol.errors import InvalidScope
from django_oauth_server.protocol.jose import ALGORITHMS, KeySet
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.protocol.uris import (
    check_private_scheme,
    check_resource,
    check_web_uri,
    comparable,
    is_loopback,
)

SETTING = "OAUTH_SERVER"
N = TypeVar("N", Scope, Resource)
_NAMES = tuple(field.name for field in fields(IssuerSettings))


@cache
def load() -> tuple[IssuerSettings, ...]:
    """Every issuer of this project, the default first. Raises ImproperlyConfigured with what to mend."""
    declared = getattr(settings, SETTING, None)
    if not declared:
        raise ImproperlyConfigured(f'{SETTING} is missing. It needs at least {{"issuer": "https://your.host"}}.')
    each = declared if isinstance(declared, (list, tuple)) else [declared]
    issuers = tuple(_normal(one if isinstance(one, IssuerSettings) else _from_mapping(one)) for one in each)
    if len({one.issuer for one in issuers}) < len(issuers):
        raise ImproperlyConfigured(f"{SETTING} names an issuer twice.")
    return issuers


def _from_mapping(declared: Mapping[str, object]) -> IssuerSettings:
    if not isinstance(declared, Mapping):
        raise ImproperlyConfigured(
            f"{SETTING} is a dict, an IssuerSettings, or a list of them; not {type(declared).__name__}."
        )
    for name in declared:
        if name not in _NAMES:
            close = get_close_matches(str(name).lower(), _NAMES, n=1)
            raise ImproperlyConfigured(
                f"{SETTING} has no {name!r}." + (f" Did you mean {close[0]!r}?" if close else "")
            )
    if "issuer" not in declared:
        raise ImproperlyConfigured(f'{SETTING} needs an "issuer".')
    return IssuerSettings(**declared)  # type: ignore[arg-type]


def _normal(one: IssuerSettings) -> IssuerSettings:
    """*one* with its shorthands written out, once all of it is known to be sound."""
    _check_issuer(one.issuer)
    if one.profile not in PROFILES:
        raise ImproperlyConfigured(f"{SETTING}: profile {one.profile!r} is none of {', '.join(PROFILES)}.")
    for field in fields(one):
        value = getattr(one, field.name)
        if isinstance(field.default, timedelta) and not (isinstance(value, timedelta) and value >= timedelta()):
            raise ImproperlyConfigured(f"{SETTING}: {field.name} must be a timedelta, not negative.")
        if isinstance(field.default, tuple) and isinstance(value, str):
            raise ImproperlyConfigured(f"{SETTING}: {field.name} must be a list or tuple, not a string.")
    for alg in (one.signing_alg, *one.signing_algs):
        if alg not in ALGORITHMS:
            raise ImproperlyConfigured(f"{SETTING}: {alg!r} is none of the algorithms {', '.join(ALGORITHMS)}.")
    if one.logout_delivery not in get_args(LogoutDelivery):
        raise ImproperlyConfigured(
            f"{SETTING}: logout_delivery {one.logout_delivery!r} is none of {', '.join(get_args(LogoutDelivery))}."
        )
    if one.registration not in get_args(Registration):
        raise ImproperlyConfigured(
            f"{SETTING}: registration {one.registration!r} is none of {', '.join(get_args(Registration))}."
        )
    if one.registration_scopes not in get_args(RegistrationScopes):
        raise ImproperlyConfigured(
            f"{SETTING}: registration_scopes {one.registration_scopes!r} is none of {', '.join(get_args(RegistrationScopes))}."
        )
    for scheme in one.private_use_schemes:
        _check_private_scheme(scheme)
    _check_statement_issuers(one)
    if not isinstance(one.trusted_proxies, int) or one.trusted_proxies < 0:
        raise ImproperlyConfigured(f"{SETTING}: trusted_proxies must be a number, not negative.")
    scopes = _in_words("scopes", one.scopes, Scope)
    for name in scopes:
        _check_scope(name)
    if unknown := set(one.default_scopes) - set(scopes):
        raise ImproperlyConfigured(
            f"{SETTING}: default_scopes has {', '.join(sorted(unknown))}, which scopes does not."
        )
    resources = _in_words("resources", one.resources, Resource)
    for identifier in filter(None, (*resources, one.default_resource)):
        _check_resource(identifier)
    if len({*map(comparable, resources)}) < len(resources):
        raise ImproperlyConfigured(f"{SETTING}: resources names one twice: a slash behind a host makes no other.")
    default = one.default_resource or one.issuer
    return replace(
        one,
        scopes=scopes,
        resources=resources,
        name=one.name or urlsplit(one.issuer).netloc,
        default_resource=next((name for name in resources if comparable(name) == comparable(default)), default),
        default_scopes=tuple(one.default_scopes),
        throttles=_throttles(one.throttles),
        components=tuple(one.components),
        signing_algs=tuple(one.signing_algs),
        signing_key_files=tuple(one.signing_key_files),
        acr_values=tuple(one.acr_values),
        private_use_schemes=tuple(one.private_use_schemes),
        outbound_private_hosts=_private_hosts(one.outbound_private_hosts),
    )


def _in_words(setting: str, declared: object, kind: type[N]) -> dict[str, N]:
    """Words alone, marked for translation or not, written out. What no page has words for, nobody can be asked to allow."""
    if not isinstance(declared, Mapping):
        raise ImproperlyConfigured(f"{SETTING}: {setting} is a dict, of each name and the words that a person reads.")
    written: dict[str, N] = {}
    for name, one in declared.items():
        said = kind(cast("str", one)) if isinstance(one, (str, Promise)) else one
        if not isinstance(said, kind):
            raise ImproperlyConfigured(f"{SETTING}: {setting} has {name!r} without words that a person reads.")
        written[name] = said
    return written


def _check_statement_issuers(one: IssuerSettings) -> None:
    for name, keys in one.software_statement_issuers.items():
        try:
            check_web_uri(keys) if isinstance(keys, str) else KeySet.of_client(keys)
        except ValueError as exc:
            raise ImproperlyConfigured(f"{SETTING}: software_statement_issuers: {name}: {exc}.") from exc
    if one.require_software_statement and not one.software_statement_issuers:
        raise ImproperlyConfigured(f"{SETTING}: require_software_statement needs software_statement_issuers.")


def _private_hosts(declared: Iterable[str]) -> tuple[str, ...]:
    try:
        PrivateHosts.parse(declared)
    except (TypeError, ValueError) as exc:
        raise ImproperlyConfigured(f"{SETTING}: outbound_private_hosts: {exc}") from exc
    return tuple(declared)


def _throttles(declared: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """*declared*, and the defaults of what it does not name."""
    for name, rate in declared.items():
        if name not in THROTTLES:
            raise ImproperlyConfigured(f"{SETTING}: throttles has {name!r}, which is none of {', '.join(THROTTLES)}.")
        try:
            if rate is not None:
                parse_rate(rate)
        except (TypeError, ValueError) as exc:
            raise ImproperlyConfigured(f"{SETTING}: throttles: {name}: {exc}") from exc
    return {**THROTTLES, **declared}


def _check_issuer(issuer: object) -> None:
    if not isinstance(issuer, str) or not urlsplit(issuer).hostname:
        raise ImproperlyConfigured(f"{SETTING}: issuer {issuer!r} is not an absolute URL.")
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not is_loopback(issuer):
        raise ImproperlyConfigured(
            f"{SETTING}: issuer {issuer!r} must be https (RFC 8414 section 2); http is for loopback addresses."
        )
    if parts.query or parts.fragment or issuer.endswith("/"):
        raise ImproperlyConfigured(
            f"{SETTING}: issuer {issuer!r} must have no query, no fragment and no slash at its end."
        )


def _check_scope(name: str) -> None:
    try:
        valid = parse_scope(name) == (name,)
    except InvalidScope:
        valid = False
    if not valid:
        raise ImproperlyConfigured(f"{SETTING}: {name!r} is not a scope token (RFC 6749 section 3.3).")


def _check_private_scheme(scheme: str) -> None:
    try:
        check_private_scheme(scheme)
    except (TypeError, ValueError) as exc:
        raise ImproperlyConfigured(f"{SETTING}: private_use_schemes: {scheme!r}: {exc}.") from exc


def _check_resource(identifier: str) -> None:
    try:
        check_resource(identifier)
    except ValueError as exc:
        raise ImproperlyConfigured(f"{SETTING}: resource {identifier!r}: {exc} (RFC 8707 section 2).") from exc


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        load.cache_clear()


setting_changed.connect(_forget)
