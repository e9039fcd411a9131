"""From `settings.OAUTH_SERVER` to checked values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from django_oauth_server.conf.declared import Declared, declared_by
from django_oauth_server.conf.profiles import OAUTH2_1, PROFILES, Policy
from django_oauth_server.conf.rates import parse_rate
from django_oauth_server.conf.settings import IssuerSettings, Resource, Scope
from django_oauth_server.protocol.destinations import PrivateHosts
from django_oauth_server.protocol.errors import InvalidScope
from django_oauth_server.protocol.jose import ALGORITHMS, SHARED_SECRET_ALGORITHMS, KeySet
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.protocol.uris import (
    check_private_scheme,
    check_resource,
    check_web_uri,
    comparable,
    is_loopback,
)
from django_oauth_server.values import as_annotated, check_names, checked, make

SETTING = "OAUTH_SERVER"
N = TypeVar("N", Scope, Resource)
SIGNATURES: Final = (*ALGORITHMS, *SHARED_SECRET_ALGORITHMS)
_PROFILE: Final = re.compile(r"[\w.-]{1,50}")
NAMES = tuple(field.name for field in fields(IssuerSettings) if field.name != "groups")


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
    """A mapping has the groups of components under their own names, beside the names of `IssuerSettings`."""
    if not isinstance(declared, Mapping):
        raise ImproperlyConfigured(
            f"{SETTING} is a dict, an IssuerSettings, or a list of them; not {type(declared).__name__}."
        )
    known = _declared(declared.get("components", ())).groups
    check_names(f"{SETTING} has no", declared, [*NAMES, *known])
    if "issuer" not in declared:
        raise ImproperlyConfigured(f'{SETTING} needs an "issuer".')
    groups = tuple(_group(name, kind, declared[name]) for name, kind in known.items() if name in declared)
    core = {name: value for name, value in declared.items() if name not in known}
    return IssuerSettings(**core, groups=groups)  # type: ignore[arg-type]


def _group(name: str, kind: type[Any], said: Any) -> object:
    return said if isinstance(said, kind) else make(f"{SETTING}: {name}", kind, said)


def _declared(components: object) -> Declared:
    """What there is to set, by the setting `components`, which is looked at before all others."""
    try:
        as_annotated(tuple[str, ...], components)
    except ValueError as exc:
        raise ImproperlyConfigured(f"{SETTING}: components must be {exc}.") from exc
    return declared_by(cast("Iterable[str]", components))


def _normal(said: IssuerSettings) -> IssuerSettings:
    """*said* with its shorthands written out, once all of it is known to be sound."""
    declared = _declared(said.components)
    one = checked(SETTING, said)
    _check_issuer(one.issuer)
    one = replace(
        one,
        policy=_policy("policy", one.policy, declared) if one.policy else None,
        policies=tuple(_policy("policies", policy, declared) for policy in one.policies),
    )
    _check_profiles(one)
    for alg in (one.signing_alg, *one.signing_algs):
        if alg not in ALGORITHMS:
            raise ImproperlyConfigured(f"{SETTING}: {alg!r} is none of the algorithms {', '.join(ALGORITHMS)}.")
    for scheme in one.private_use_schemes:
        _check_private_scheme(scheme)
    _check_statement_issuers(one)
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
        throttles=_throttles(one.throttles, declared.throttles),
        outbound_private_hosts=_private_hosts(one.outbound_private_hosts),
        groups=tuple(_groups(one.groups, declared)),
    )


def _policy(setting: str, said: Policy, declared: Declared) -> Policy:
    """*said*, in which every name is one of something that there is: what is misspelt would permit nothing, or demand nothing."""
    where = f"{SETTING}: {setting}: {said.name}"
    policy = checked(where, said)
    for member, known in (
        ("permitted_algorithms", SIGNATURES),
        ("permitted_client_auth_methods", declared.auth_methods),
        ("demands", declared.demands),
    ):
        check_names(f"{where}: {member} has an unknown", getattr(policy, member) or (), known)
    if policy.maximum_code_lifetime > OAUTH2_1.maximum_code_lifetime:
        raise ImproperlyConfigured(f"{where}: maximum_code_lifetime is at most ten minutes (RFC 6749 section 4.1.2).")
    return policy


def _check_profiles(one: IssuerSettings) -> None:
    for policy in one.policies:
        if not _PROFILE.fullmatch(policy.name):
            raise ImproperlyConfigured(
                f"{SETTING}: policies has {policy.name!r}: a name has at most 50 letters, digits, -, _ and dots."
            )
    names = [*PROFILES, *(policy.name for policy in one.policies)]
    if len({*names}) < len(names):
        raise ImproperlyConfigured(f"{SETTING}: policies names a policy twice, or as a profile that there is.")
    if one.profile not in names:
        raise ImproperlyConfigured(f"{SETTING}: profile {one.profile!r} is none of {', '.join(names)}.")


def _groups(said: Collection[object], declared: Declared) -> Iterator[object]:
    """One of each kind that is declared: as it is said, or with its defaults."""
    kinds = tuple(declared.groups.values())
    for one in said:
        if not isinstance(one, kinds):
            raise ImproperlyConfigured(
                f"{SETTING}: groups has a {type(one).__name__}, which is the settings of no component."
            )
    for name, kind in declared.groups.items():
        of_kind = [one for one in said if isinstance(one, kind)]
        if len(of_kind) > 1:
            raise ImproperlyConfigured(f"{SETTING}: groups has more than one {kind.__name__}.")
        yield checked(f"{SETTING}: {name}", of_kind[0] if of_kind else kind())


def _in_words(setting: str, declared: Mapping[str, N | str], kind: type[N]) -> dict[str, N]:
    """Words alone, marked for translation or not, written out."""
    return {
        name: checked(f"{SETTING}: {setting}: {name}", one if isinstance(one, kind) else kind(cast("str", one)))
        for name, one in declared.items()
    }


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


def _throttles(said: Mapping[str, str | None], defaults: Mapping[str, str]) -> Mapping[str, str | None]:
    """*said*, and the defaults of what it does not name."""
    check_names(f"{SETTING}: throttles has no", said, defaults)
    rates = {**defaults, **said}
    for name, rate in rates.items():
        try:
            if rate is not None:
                parse_rate(rate)
        except (TypeError, ValueError) as exc:
            raise ImproperlyConfigured(f"{SETTING}: throttles: {name}: {exc}") from exc
    return rates


def _check_issuer(issuer: str) -> None:
    try:
        parts = urlsplit(str(issuer))
        absolute = parts.hostname is not None and parts.port != 0  # of which there is none
    except ValueError:
        absolute = False
    if not (absolute and isinstance(issuer, str)):
        raise ImproperlyConfigured(f"{SETTING}: issuer {issuer!r} is not an absolute URL.")
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
