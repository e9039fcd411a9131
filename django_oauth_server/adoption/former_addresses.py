"""While an adoption is under way, metadata name the addresses that clients have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from django.apps import apps
from django.core.checks import CheckMessage, Warning
from django.urls import NoReverseMatch, reverse

from django_oauth_server.adoption.addresses import Addresses
from django_oauth_server.adoption.sources import source_named
from django_oauth_server.component import Component
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.adoption import AdoptionSettings
from django_oauth_server.issuer import Issuer


def advertised(issuer: Issuer) -> Callable[[str], str]:
    """The URL of each endpoint as metadata name it: the former one while the former server could still take over again.

    A client that reads the metadata today keeps what it reads, perhaps for months.
    """
    addresses = _addresses(issuer.settings)
    return partial(_former_url, issuer, addresses) if addresses else issuer.url


def _addresses(settings: IssuerSettings) -> Addresses | None:
    """Those of the source that is adopted, while its app is installed."""
    named = settings.group(AdoptionSettings).source
    addresses = _of(named) if named else None
    return addresses if addresses and apps.is_installed(addresses.app) else None


def _of(source: str) -> Addresses | None:
    with suppress(LookupError):  # a check says so
        return source_named(source).addresses
    return None


def _former_url(issuer: Issuer, addresses: Addresses, endpoint: str) -> str:
    if name := addresses.name_of(endpoint):
        try:
            return issuer.origin + reverse(name)
        except NoReverseMatch:  # the project does not include them
            pass
    return issuer.url(endpoint)


class FormerAddresses(Component):
    """Where an adoption is under way, the former addresses stay."""

    name = "former_addresses"
    settings_name = "adoption"
    settings_group = AdoptionSettings

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if (addresses := _addresses(settings)) and addresses.path() is None:
            yield Warning(
                f"Clients of {settings.issuer} still have the former addresses of its endpoints, and nothing answers there.",
                hint=f'Add path("…", include("{addresses.urlconf}")) to the URLconf, with the path at which the '
                "former URLs were included.",
                id="oauth_server.W018",
            )
