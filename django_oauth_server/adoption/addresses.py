"""Where the server that stood here before was reached: clients have these addresses, from its documentation or its metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.apps import apps
from django.core.checks import CheckMessage, Warning
from django.urls import NoReverseMatch, reverse

from django_oauth_server.component import Component
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.adoption import AdoptionSettings
from django_oauth_server.issuer import Issuer

_VIEWS: Final = "django_oauth_server.endpoints."


@dataclass(frozen=True, slots=True)
class Address:
    """An endpoint of ours where it was before."""

    route: str
    """Below the path at which the project includes the URLs."""
    name: str
    """The name that the URL had."""
    endpoint: str
    """The name of the endpoint here that answers."""
    view: str = ""
    """Dotted path of another view than the endpoint's, where callers expect another answer than it gives. Metadata name the endpoint then."""
    slash: bool = False
    """Whether it may end in a slash as well."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """All of one server."""

    app: str
    """Its Django app, by name. While it is installed, it can take over again."""
    app_name: str
    """The application namespace of its URLs."""
    each: tuple[Address, ...]

    def name_of(self, endpoint: str) -> str | None:
        """The URL name at which *endpoint* of ours was, and gives the same answers."""
        names = (f"{self.app_name}:{one.name}" for one in self.each if one.endpoint == endpoint and not one.view)
        return next(names, None)


OAUTH_TOOLKIT: Final = Addresses(
    "oauth2_provider",
    "oauth2_provider",
    (
        Address("token/", "token", "token"),
        Address("introspect/", "introspect", "introspect", f"{_VIEWS}introspect_oauth_toolkit.introspect"),
        Address("authorize/", "authorize", "authorize"),
        Address("revoke_token/", "revoke-token", "revoke"),
        Address("userinfo/", "user-info", "userinfo"),
        Address(".well-known/openid-configuration", "oidc-connect-discovery-info", "openid_configuration", slash=True),
        Address(".well-known/oauth-authorization-server", "oauth-server-metadata", "metadata_behind_path"),
        Address(".well-known/jwks.json", "jwks-info", "jwks"),
        Address("logout/", "rp-initiated-logout", "end_session"),
        Address("device-authorization/", "device-authorization", "device_authorization"),
        Address("device/", "device", "device"),
        Address("register/", "dcr-register", "register"),
        Address("register/<str:client_id>/", "dcr-register-management", "client_configuration"),
        Address("authorized_tokens/", "authorized-token-list", "connected_apps"),
    ),
)
"""django-oauth-toolkit's `oauth2_provider.urls`, 2.x and 3.x."""

ALLAUTH_IDP: Final = Addresses(
    "allauth.idp.oidc",
    "idp:oidc",
    (
        Address("identity/o/api/token", "token", "token"),
        Address("identity/o/authorize", "authorization", "authorize"),
        Address("identity/o/api/userinfo", "userinfo", "userinfo"),
        Address("identity/o/api/revoke", "revoke", "revoke"),
        Address("identity/o/api/introspect", "introspect", "introspect"),
        Address("identity/o/api/device/code", "device_code", "device_authorization"),
        Address("identity/o/device", "device_authorization", "device"),
        Address("identity/o/api/clients", "client_registration", "register"),
        Address("identity/o/logout", "logout", "end_session"),
        Address(".well-known/openid-configuration", "configuration", "openid_configuration"),
        Address(".well-known/jwks.json", "jwks", "jwks"),
    ),
)
"""django-allauth's `allauth.idp.urls`."""

_BY_SOURCE: Final[Mapping[str, Addresses]] = {"oauth_toolkit": OAUTH_TOOLKIT, "allauth_idp": ALLAUTH_IDP}


def advertised(issuer: Issuer) -> Callable[[str], str]:
    """The URL of each endpoint as metadata name it: the former one while the former server could still take over again.

    A client that reads the metadata today keeps what it reads, perhaps for months.
    """
    addresses = _addresses(issuer.settings)
    return partial(_former_url, issuer, addresses) if addresses else issuer.url


def _addresses(settings: IssuerSettings) -> Addresses | None:
    """Those of the source that is adopted, while its app is installed."""
    addresses = _BY_SOURCE.get(settings.group(AdoptionSettings).source)
    return addresses if addresses and apps.is_installed(addresses.app) else None


def _former_url(issuer: Issuer, addresses: Addresses, endpoint: str) -> str:
    if name := addresses.name_of(endpoint):
        try:
            return issuer.origin + reverse(name)
        except NoReverseMatch:  # the project does not include them
            pass
    return issuer.url(endpoint)


def former_path(addresses: Addresses) -> str | None:
    """The path at which the project includes them, without a slash behind. None: it does not."""
    first = addresses.each[0]
    try:
        return reverse(f"{addresses.app_name}:{first.name}").removesuffix(f"/{first.route}")
    except NoReverseMatch:
        return None


class FormerAddresses(Component):
    """Where an adoption is under way, the former addresses stay."""

    name = "former_addresses"
    settings_name = "adoption"
    settings_group = AdoptionSettings

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if (addresses := _addresses(settings)) and former_path(addresses) is None:
            source = settings.group(AdoptionSettings).source
            yield Warning(
                f"Clients of {settings.issuer} still have the former addresses of its endpoints, and nothing answers there.",
                hint=f'Add path("…", include("django_oauth_server.urls.{source}")) to the URLconf, with the path at which the '
                "former URLs were included.",
                id="oauth_server.W018",
            )
