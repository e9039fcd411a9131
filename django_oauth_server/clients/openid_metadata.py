"""What a relying party may say of itself beside (OpenID Connect Dynamic Client Registration section 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.utils.translation import gettext_lazy

from django_oauth_server.clients.metadata import check_https_uri
from django_oauth_server.component import Component, Document, Member, Words
from django_oauth_server.conf import IssuerSettings

_SUBJECT_TYPES: Final[Mapping[str, Words]] = {
    "public": gettext_lazy("The same for all apps"),
    "pairwise": gettext_lazy("Another for each site, so that sites cannot compare"),
}


def subject_types(settings: IssuerSettings) -> Mapping[str, Words]:
    """Those that are offered: pairwise needs a salt."""
    return {name: words for name, words in _SUBJECT_TYPES.items() if name == "public" or settings.pairwise_salt}


class OpenIDMetadata(Component):
    """The members of Registration section 2 that concern the person and the sign-in."""

    name = "openid_metadata"
    client_metadata = (
        Member(
            name="subject_type",
            kind="choice",
            label=gettext_lazy("Subject identifier"),
            help=gettext_lazy(
                "By which identifier the client knows a person. If it changes, people have to allow the client again."
            ),
            choices=lambda terms: subject_types(terms.settings),
        ),
        Member(
            name="default_max_age",
            kind="number",
            label=gettext_lazy("Longest sign-in age"),
            help=gettext_lazy("Seconds after which a person signs in again for it, where a request does not say."),
        ),
        Member(
            name="require_auth_time",
            kind="flag",
            label=gettext_lazy("Requires the time of sign-in"),
            help=gettext_lazy("Whether it must be told when the person signed in."),
        ),
        Member(
            name="default_acr_values",
            kind="texts",
            label=gettext_lazy("Authentication context classes"),
            help=gettext_lazy("How people had best sign in for it, where a request does not say, the preferred first."),
        ),
        Member(
            name="initiate_login_uri",
            kind="uri",
            label=gettext_lazy("Sign-in address"),
            help=gettext_lazy("Where others can have a person's sign-in begin (OpenID Connect Core section 4)."),
            check=check_https_uri,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"subject_types_supported": list(subject_types(settings))}
