"""What a relying party may say of itself beside (OpenID Connect Dynamic Client Registration section 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.utils.translation import gettext_lazy as lazy

from django_oauth_server.component import Component, Document, Member, Terms, Words
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.protocol.uris import check_web_uri

_APPLICATION_TYPES: Final[Mapping[str, Words]] = {"web": lazy("On a server"), "native": lazy("On a device")}
_SUBJECT_TYPES: Final[Mapping[str, Words]] = {
    "public": lazy("The same for all apps"),
    "pairwise": lazy("Another for each site, so that sites cannot compare"),
}


def subject_types(settings: IssuerSettings) -> Mapping[str, Words]:
    """Those that are offered: pairwise needs a salt."""
    return {name: words for name, words in _SUBJECT_TYPES.items() if name == "public" or settings.pairwise_salt}


def _check_https(value: object, terms: Terms) -> None:
    try:
        check_web_uri(str(value))
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc


class OpenIDMetadata(Component):
    """The members of Registration section 2 that concern the person and the sign-in."""

    name = "openid_metadata"
    client_metadata = (
        Member(
            name="application_type",
            kind="choice",
            label=lazy("Kind of application"),
            help=lazy("Whether it runs on a server or on a person's own device."),
            choices=lambda terms: _APPLICATION_TYPES,
        ),
        Member(
            name="subject_type",
            kind="choice",
            label=lazy("Subject identifier"),
            help=lazy("By which identifier it knows a person."),
            choices=lambda terms: subject_types(terms.settings),
        ),
        Member(
            name="default_max_age",
            kind="number",
            label=lazy("Longest sign-in age"),
            help=lazy("Seconds after which a person signs in again for it, where a request does not say."),
        ),
        Member(
            name="require_auth_time",
            kind="flag",
            label=lazy("Requires the time of sign-in"),
            help=lazy("Whether it must be told when the person signed in."),
        ),
        Member(
            name="default_acr_values",
            kind="texts",
            label=lazy("Authentication context classes"),
            help=lazy("How people had best sign in for it, where a request does not say, the preferred first."),
        ),
        Member(
            name="initiate_login_uri",
            kind="uri",
            label=lazy("Sign-in address"),
            help=lazy("Where others can have a person's sign-in begin (OpenID Connect Core section 4)."),
            check=_check_https,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"subject_types_supported": list(subject_types(settings))}
