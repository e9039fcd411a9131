"""The `OAUTH_RESOURCE_SERVER` setting as a checked value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_oauth_server.protocol.uris import check_resource
from django_oauth_server.resource.bindings import BUILT_IN
from django_oauth_server.resource.bindings.base import TokenBinding
from django_oauth_server.resource.challenge import BEARER
from django_oauth_server.resource.condition import Requirement
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import TokenVerifier
from django_oauth_server.values import check_names, checked, make

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SETTING = "OAUTH_RESOURCE_SERVER"
LOCAL: Final = "django_oauth_server.verifier.LocalVerifier"
_NO_PREFIX = re.compile(r"//|[?#<>*^]")
_PRINTABLE = re.compile(r"[\x20-\x7E]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServerSettings:
    """How this project protects what it serves. Every name may stand in the `OAUTH_RESOURCE_SERVER` setting."""

    verifier: str | TokenVerifier = LOCAL
    """A `TokenVerifier`, or the dotted path of a class of them. The default asks the authorization server's tables in the same database."""
    resource: str | tuple[str, ...] = ""
    """The resource identifier (RFC 8707), or several; a token must be meant for one of them. Empty: the verifier's."""
    name: str = ""
    """What people call this API (`resource_name`, RFC 9728 section 2)."""
    realm: str = "api"
    """The realm that challenges name (RFC 9110 section 11.5)."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """The words for scopes, in API schemas. Those that the authorization server says are known where it stands in the same project."""
    scope_covers: str = ""
    """Dotted path of a function `(held, needed) -> bool`: whether a token with the scope *held* may do what *needed* allows."""
    user: str = ""
    """Dotted path of a function that gives the user of a `VerifiedToken`, or None. Called when a view first looks at the user."""
    leave_foreign_tokens: bool = False
    """Leave Bearer tokens that cannot be ours, such as API keys and JWTs of other issuers, to the next authentication of a view."""
    bindings: tuple[str, ...] = BUILT_IN
    """What proves possession of tokens that are bound to a key: dotted paths of `TokenBinding` classes. Others' tokens open nothing."""
    protected_prefixes: Mapping[str, Requirement | None] = field(default_factory=dict)
    """URL prefixes under which nothing is open, each with what all of it requires beyond a good token, or None."""

    @property
    def resources(self) -> tuple[str, ...]:
        """`resource`, always as a tuple."""
        return ((self.resource,) if self.resource else ()) if isinstance(self.resource, str) else self.resource


_NAMES = tuple(one.name for one in fields(ResourceServerSettings))


@cache
def load() -> ResourceServerSettings:
    """The settings of this project. Raises ImproperlyConfigured with what to mend. Those of its bindings are looked at by `bindings`."""
    declared = as_written()
    groups = [one.settings_name for one in _kinds(declared.get("bindings", BUILT_IN)) if one.settings_group]
    check_names(f"{SETTING} has no", declared, [*_NAMES, *groups])
    return _normal(ResourceServerSettings(**{name: said for name, said in declared.items() if name not in groups}))


@cache
def verifier() -> TokenVerifier:
    """The verifier of this project, made once."""
    one = load().verifier
    if one == LOCAL and not apps.is_installed("django_oauth_server"):
        raise ImproperlyConfigured(
            f'{SETTING} needs a "verifier": the default one asks the tables of "django_oauth_server", which is not in INSTALLED_APPS.'
        )
    return _verifying(_made(one)) if isinstance(one, str) else one


@cache
def bindings() -> Mapping[str, TokenBinding]:
    """What proves possession of bound tokens, by the member of `cnf` that it judges."""
    return {one.member: one(_settings_of(one)) for one in _kinds(load().bindings)}


@cache
def schemes() -> Mapping[str, str]:
    """The authentication schemes by which tokens are presented, each as its specification spells it, by its name in small letters."""
    return {scheme.lower(): scheme for scheme in (BEARER, *(one.scheme for one in bindings().values()))}


@cache
def scope_rule() -> Callable[[str, str], bool]:
    """Whether the first scope covers the second, as the deployment says."""
    return cast("Callable[[str, str], bool]", _imported(load().scope_covers, "scope_covers"))


@cache
def user_rule() -> Callable[[VerifiedToken], AbstractBaseUser | None] | None:
    """Which user a token is for, as the deployment says; None where it says nothing."""
    path = load().user
    return cast("Callable[[VerifiedToken], AbstractBaseUser | None]", _imported(path, "user")) if path else None


@cache
def audiences() -> tuple[str, ...]:
    """The audiences of which a token must name one. Never empty: a token for anyone proves nothing (RFC 9700)."""
    expected = load().resources or tuple(filter(None, (verifier().default_audience,)))
    if not expected:
        raise ImproperlyConfigured(f'{SETTING} needs a "resource": its verifier knows of no default.')
    return expected


def _made(path: str) -> object:
    kind = _imported(path, "verifier")
    try:
        return kind()
    except TypeError as exc:
        raise ImproperlyConfigured(f"{SETTING}: verifier {path!r} cannot be made without arguments: {exc}") from exc


def _kinds(paths: object) -> tuple[type[TokenBinding], ...]:
    """The classes at the dotted *paths*."""
    if not isinstance(paths, (list, tuple)) or not all(isinstance(path, str) for path in paths):
        raise ImproperlyConfigured(f"{SETTING}: bindings is a list or tuple of dotted paths, not {paths!r}.")
    kinds = {path: _imported(path, "bindings") for path in paths}
    for path, kind in kinds.items():
        if not (isinstance(kind, type) and issubclass(kind, TokenBinding)):
            raise ImproperlyConfigured(f"{SETTING}: bindings has {path!r}, which is no TokenBinding.")
    members = [kind.member for kind in kinds.values()]
    if twice := sorted({one for one in members if members.count(one) > 1}):
        raise ImproperlyConfigured(f"{SETTING}: bindings has more than one for {', '.join(twice)} of cnf.")
    return tuple(kinds.values())


def _settings_of(binding: type[TokenBinding]) -> object:
    """The group of settings of *binding*, as this project says; None where it has none."""
    kind, where = binding.settings_group, f"{SETTING}: {binding.settings_name}"
    if kind is None:
        return None
    said: Any = as_written().get(binding.settings_name, {})
    return checked(where, said) if isinstance(said, kind) else make(where, kind, said)


def as_written() -> Mapping[str, Any]:
    """The setting as the project has it: neither checked nor completed."""
    declared = getattr(settings, SETTING, {})
    if not isinstance(declared, Mapping):
        raise ImproperlyConfigured(f"{SETTING} is a dict, not {type(declared).__name__}.")
    return declared


def _imported(path: str, name: str) -> Any:
    try:
        found = import_string(path)
    except ImportError as exc:
        raise ImproperlyConfigured(f"{SETTING}: {name} {path!r} cannot be imported: {exc}") from exc
    if not callable(found):
        raise ImproperlyConfigured(f"{SETTING}: {name} {path!r} cannot be called.")
    return found


def _normal(one: ResourceServerSettings) -> ResourceServerSettings:
    """*one*, once it is known to be sound."""
    for name in ("user", "scope_covers"):
        if not isinstance(getattr(one, name), str):
            raise ImproperlyConfigured(
                f"{SETTING}: {name} is the dotted path of a function, not {getattr(one, name)!r}."
            )
    if not isinstance(one.scopes, Mapping):
        raise ImproperlyConfigured(
            f'{SETTING}: scopes is a dict of words, such as {{"notes:read": "Read your notes"}}.'
        )
    if not isinstance(one.realm, str) or not _PRINTABLE.fullmatch(one.realm):
        raise ImproperlyConfigured(f"{SETTING}: realm {one.realm!r} must be printable ASCII.")
    if isinstance(one.verifier, str) and "." not in one.verifier:
        raise ImproperlyConfigured(f"{SETTING}: verifier {one.verifier!r} is not a dotted path.")
    if not isinstance(one.verifier, str):
        _verifying(one.verifier)
    if not isinstance(one.resource, (str, list, tuple)):
        raise ImproperlyConfigured(f"{SETTING}: resource must be a string, or a list of them.")
    one = replace(one, resource=one.resource if isinstance(one.resource, str) else tuple(one.resource))
    for identifier in one.resources:
        _check_resource(identifier)
    if not isinstance(one.leave_foreign_tokens, bool):
        raise ImproperlyConfigured(
            f"{SETTING}: leave_foreign_tokens is True or False, not {one.leave_foreign_tokens!r}."
        )
    if not isinstance(one.protected_prefixes, Mapping):
        raise ImproperlyConfigured(f'{SETTING}: protected_prefixes is a dict, such as {{"/api/": None}}.')
    for prefix, requirement in one.protected_prefixes.items():
        _check_prefix(prefix, requirement)
    return one


def _verifying(one: object) -> TokenVerifier:
    if isinstance(one, type) or not any(callable(getattr(one, name, None)) for name in ("verify", "averify")):
        raise ImproperlyConfigured(f"{SETTING}: verifier {one!r} is no TokenVerifier, nor a dotted path.")
    return cast("TokenVerifier", one)


def _check_resource(identifier: str) -> None:
    try:
        check_resource(identifier)
    except (TypeError, ValueError) as exc:
        raise ImproperlyConfigured(f"{SETTING}: resource {identifier!r}: {exc} (RFC 8707 section 2).") from exc


def _check_prefix(prefix: object, requirement: object) -> None:
    if not isinstance(prefix, str) or not (prefix.startswith("/") and prefix.endswith("/")):
        raise ImproperlyConfigured(f"{SETTING}: protected_prefixes has {prefix!r}; a prefix begins and ends with /.")
    if _NO_PREFIX.search(prefix):
        raise ImproperlyConfigured(
            f"{SETTING}: protected_prefixes has {prefix!r}; no path begins so. A prefix is no pattern."
        )
    if requirement is not None and (isinstance(requirement, type) or not hasattr(requirement, "judge")):
        raise ImproperlyConfigured(
            f"{SETTING}: protected_prefixes has {requirement!r} at {prefix}. "
            'Write requires("notes:read") of django_oauth_server.resource.requirement, or None for any good token.'
        )


def _forget(**_: object) -> None:
    """Whichever setting changed: a verifier may have been made from any."""
    for remembered in (load, verifier, bindings, schemes, scope_rule, user_rule, audiences):
        remembered.cache_clear()


setting_changed.connect(_forget)
