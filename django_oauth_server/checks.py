"""What `manage.py check` says of the settings: errors stop the server, warnings name a risk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from inspect import signature
from itertools import combinations
from ssl import create_default_context
from typing import Final
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, router
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, is_valid_path, resolve
from django.utils.module_loading import import_string
from django.utils.translation import override

from django_oauth_server.conf import Resource
from django_oauth_server.conf.moments import clocks_change
from django_oauth_server.conf.sign_in import address_languages, appends_slash, severs_popups, sign_in_page
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import APP_NAME, Issuer
from django_oauth_server.registry import issuers
from django_oauth_server.storage.clients import clients_beyond
from django_oauth_server.storage.people import newest_people
from django_oauth_server.tokens.claims import UserClaims
from django_oauth_server.tokens.faults import fault_of
from django_oauth_server.tokens.formats.base import TokenFormat
from django_oauth_server.tokens.subject import PRIMARY_KEY, public_subject

_MOST_NAMED: Final = 20
"""Clients, of one kind of fault."""


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
    yield from _check_sign_in()


def _check_people() -> Iterator[CheckMessage]:
    if not issubclass(get_user_model(), AbstractBaseUser):
        yield Error(
            f"AUTH_USER_MODEL {get_user_model()._meta.label} is not a subclass of AbstractBaseUser, so password changes cannot be noticed.",
            id="oauth_server.E006",
        )


def _check_clocks() -> Iterator[CheckMessage]:
    if clocks_change():
        yield Warning(
            "USE_TZ is False, and the time zone has daylight saving time: codes and tokens live one hour longer in the night when it ends, "
            "and one hour less in the night when it begins.",
            hint='Set USE_TZ = True, or TIME_ZONE = "UTC".',
            id="oauth_server.W009",
        )


def _check_hosts() -> Iterator[CheckMessage]:
    for one, other in combinations(issuers(), 2):
        if urlsplit(one.settings.issuer)[1:] == urlsplit(other.settings.issuer)[1:]:
            yield Error(
                f"The issuers {one} and {other} differ only in their scheme, so requests cannot be told apart.",
                hint="Give each issuer its own host or path, or remove one of them.",
                id="oauth_server.E011",
            )


_MANY: Final = 20


def _check_replicas() -> Iterator[CheckMessage]:
    """A code is redeemed, and a token used, moments after it was written: a copy that lags behind does not know it yet."""
    for model in apps.get_app_config("django_oauth_server").get_models():
        written = router.db_for_write(model)
        for read in {router.db_for_read(model) for _ in range(_MANY)} - {written}:  # some routers choose at random
            yield Warning(
                f"DATABASE_ROUTERS reads {model._meta.label} from {read!r} but writes it to {written!r}. Until the replica has caught up, "
                "new codes and tokens are unknown, and revoked ones are accepted.",
                hint="Return the same database from db_for_read and db_for_write for the app django_oauth_server.",
                id="oauth_server.W010",
            )
            return


def _check_sign_in() -> Iterator[CheckMessage]:
    try:
        address = _find_page(sign_in_page())
    except (NoReverseMatch, TypeError, ValueError) as exc:  # TypeError: it is None
        yield Error(
            f"LOGIN_URL is {sign_in_page()!r}, which cannot be resolved: {exc}",
            hint="Set LOGIN_URL to the URL of your sign-in page, or to the name of its URL pattern.",
            id="oauth_server.E012",
        )
        return
    yield from _check_page("LOGIN_URL", address)


def _check_page(setting: str, address: str) -> Iterator[CheckMessage]:
    if not _leads_somewhere(address):
        yield Warning(
            f"{setting} is {address!r}, but no URL pattern of this project matches it. People who are sent there get a 404 page.",
            hint=f"Set {setting} to the URL of a page, or to the name of its URL pattern. If another server handles this URL, silence this check.",
            id="oauth_server.W011",
        )


def _leads_somewhere(address: str) -> bool:
    """Whether a page of this project is at *address*, as far as that can be known: at another host, anything may be."""
    parts = urlsplit(address)
    if parts.netloc and parts.netloc not in {urlsplit(issuer.origin).netloc for issuer in issuers()}:
        return True
    if not parts.path.startswith(get_script_prefix()):
        return False
    # Where the server alone says where the project is mounted, a path begins with it or not, depending on who wrote it.
    mounts = {"", get_script_prefix().rstrip("/"), *(issuer.path for issuer in issuers())}
    paths = {parts.path.removeprefix(mount) for mount in mounts}
    return any(_is_served(path, language) for language in (None, *address_languages()) for path in paths)


def _is_served(path: str, language: str | None) -> bool:
    """As it is, or as Django redirects to it: with a slash at its end, with the language before it (`i18n_patterns`)."""
    endings = ("", "/") if appends_slash() else ("",)
    with override(language) if language else nullcontext():
        beginnings = ("", f"/{language}") if language else ("",)
        return any(is_valid_path(begin + path + end) for begin in beginnings for end in endings)


@register(Tags.database)
def check_rows(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """Clients that name what is not there: with `manage.py check --database default`, and at `migrate`."""
    if not databases:
        return []
    try:
        return [message for issuer in issuers() for message in _check_rows(issuer)]
    except (
        DatabaseError,
        ImproperlyConfigured,
    ):  # no tables yet; and what is wrong with the settings is said elsewhere
        return []


def _check_rows(issuer: Issuer) -> Iterator[CheckMessage]:
    formats = issuer.components.of(TokenFormat)
    for client in clients_beyond(str(issuer), issuer.settings.profiles, formats, _MOST_NAMED):
        yield Warning(
            f"The client {client.client_id} of {issuer} cannot get tokens: {fault_of(client, issuer)}.",
            hint="Choose another one in the admin, or with manage.py updateclient.",
            id="oauth_server.W012",
        )
    for component in issuer.components:
        yield from component.row_checks(issuer.settings)
    yield from _check_subjects(issuer)


def _check_subjects(issuer: Issuer) -> Iterator[CheckMessage]:
    """What the function of the setting `subject` says of some people: where it fails, nobody can sign in."""
    if issuer.settings.subject == PRIMARY_KEY:
        return
    hint = "The function of the setting subject must return 1 to 255 printable ASCII characters, always the same for one user and unique to them."
    said: set[str] = set()
    for user in newest_people(_MOST_NAMED):
        try:
            one = public_subject(user, issuer)
            fault = "another user also has it" if one in said else _changes(one, user, issuer)
            said.add(one)
        except TemporarilyUnavailable as exc:
            fault = exc.detail
        if fault:
            yield Error(
                f"The subject identifier of user {user.pk} at {issuer} cannot be used: {fault}.",
                hint=hint,
                id="oauth_server.E015",
            )
            return


def _changes(said: str, user: AbstractBaseUser, issuer: Issuer) -> str:
    return "" if public_subject(user, issuer) == said else "it differs each time"


@register(Tags.security, deploy=True)
def check_popups(app_configs: Sequence[AppConfig] | None = None, **kwargs: object) -> list[CheckMessage]:
    """Whether an app that signs people in in a popup gets its answer."""
    if not severs_popups():
        return []
    words = (
        "SECURE_CROSS_ORIGIN_OPENER_POLICY cuts off apps that sign people in with a popup window: they get no answer."
    )
    hint = (
        'Send "Cross-Origin-Opener-Policy: unsafe-none" with your sign-in pages, or set SECURE_CROSS_ORIGIN_OPENER_POLICY = None. '
        'If your pages already send it, or no app uses a popup, silence this check. See "Sign-in in a popup" in the documentation.'
    )
    return [Info(words, hint=hint, id="oauth_server.I001")]


def _check(issuer: Issuer) -> Iterator[CheckMessage]:
    for component in issuer.components:
        yield from component.checks(issuer.settings)
    yield from _check_formats(issuer)
    if issuer.settings.outbound_ca_bundle:
        yield from _check_bundle(issuer)
    if not issuer.settings.scopes:
        yield Warning(f"{issuer} offers no scopes, so clients cannot request anything.", id="oauth_server.W003")
    yield from _check_named(issuer)
    yield from _check_pages(issuer)
    yield from _check_urls(issuer)


def _check_formats(issuer: Issuer) -> Iterator[CheckMessage]:
    known, settings = issuer.components.of(TokenFormat), issuer.settings
    said = [
        settings.access_token_format,
        *(one.access_token_format for one in settings.resources.values() if isinstance(one, Resource)),
    ]
    for name in dict.fromkeys(said):
        if name and name not in known:
            yield Error(
                f"access_token_format {name!r} of {issuer}, or of one of its resources, is not supported. Choose one of: {', '.join(known)}.",
                id="oauth_server.E002",
            )


def _check_named(issuer: Issuer) -> Iterator[CheckMessage]:
    """What would otherwise be missed only while somebody waits for an answer."""
    for setting, find in _NAMED.items():
        name = getattr(issuer.settings, setting)
        try:
            if name or setting in _NEEDED:
                find(name)
        except (ImportError, NoReverseMatch, ValueError, InvalidCacheBackendError) as exc:
            yield Error(f"{setting} of {issuer} is {name!r}, which cannot be loaded: {exc}", id="oauth_server.E010")


def _check_pages(issuer: Issuer) -> Iterator[CheckMessage]:
    for setting in _PAGES:
        with suppress(NoReverseMatch, ValueError):  # said already
            if page := getattr(issuer.settings, setting):
                yield from _check_page(f"{setting} of {issuer}", _find_page(page))


def _find_claims(path: str) -> None:
    found = import_string(path)
    if not (isinstance(found, type) and issubclass(found, UserClaims)):
        raise ImportError("it is not a subclass of UserClaims.")


def _find_page(url: str) -> str:
    """The address of a URL, or of its name. Raises NoReverseMatch, or ValueError for what is no address."""
    address: str = resolve_url(url)
    urlsplit(address)
    return address


def _find_subject(path: str) -> None:
    try:
        signature(import_string(path)).bind(None, None)
    except TypeError as exc:
        raise ImportError("it is no function that takes a user and an issuer.") from exc


_NAMED: Final[Mapping[str, Callable[[str], object]]] = {
    "claims": _find_claims,
    "subject": _find_subject,
    "authentication": import_string,
    "allowed_scopes": import_string,
    "reauthentication_url": _find_page,
    "account_creation_url": _find_page,
    "revocation_cache": caches.__getitem__,
}


_NEEDED: Final = frozenset({"claims", "subject", "authentication"})
"""Without which nobody is answered."""

_PAGES: Final = ("reauthentication_url", "account_creation_url")


def _check_bundle(issuer: Issuer) -> Iterator[CheckMessage]:
    try:
        create_default_context(cafile=issuer.settings.outbound_ca_bundle)
    except (OSError, ValueError) as exc:
        yield Error(
            f"outbound_ca_bundle of {issuer} cannot be read: {exc}.",
            hint="Set it to the path of a PEM file with certificates.",
            id="oauth_server.E007",
        )


def _check_urls(issuer: Issuer) -> Iterator[CheckMessage]:
    expected = f"/.well-known/oauth-authorization-server{issuer.path}"
    try:
        served = _paths_by_language(issuer)
    except NoReverseMatch:
        yield Error(
            f"The endpoints of {issuer} are not in the URLconf.",
            hint='Add path("", include("django_oauth_server.urls")) to your ROOT_URLCONF.',
            id="oauth_server.E005",
        )
        return
    for found in [one for one in served if one != expected][:1]:
        yield Error(
            f"The metadata of {issuer} is served at {found}, but clients look for it at {expected} (RFC 8414 section 3.1).",
            hint=_hint_of_path(issuer, found.removesuffix(expected)),
            id="oauth_server.E004",
        )
        return
    with suppress(Resolver404):
        match = resolve(expected)
        if APP_NAME not in match.app_names:
            yield Warning(
                f"Another view is at {expected}, where clients look for the metadata of {issuer}: {match._func_path}.",
                hint='Put path("", include("django_oauth_server.urls")) before that route. If this is intended, silence this check.',
                id="oauth_server.W013",
            )


def _paths_by_language(issuer: Issuer) -> list[str]:
    """Where its metadata is, whatever language a request is answered in: in `i18n_patterns` that differs, for the default language too or not."""
    paths = [issuer.url_path("metadata")]
    for language in address_languages()[:2]:
        with override(language):
            paths.append(issuer.url_path("metadata"))
    return paths


def _hint_of_path(issuer: Issuer, before: str) -> str:
    mount = get_script_prefix().rstrip("/")
    if mount and not mount.startswith("/"):
        return f'Start FORCE_SCRIPT_NAME with a slash: "/{mount}".'
    if mount and before == mount:
        return f'The project is mounted at {mount} (FORCE_SCRIPT_NAME). Set "issuer" to "{issuer.origin}{mount}{issuer.path}".'
    return 'Include "django_oauth_server.urls" at the root of the URLconf, outside i18n_patterns(). The path of an issuer is added automatically.'
