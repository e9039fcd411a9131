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
    "pairwise": gettext_lazy("Different for each site, so that sites cannot compare them"),
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
            purpose="tokens",
            label=gettext_lazy("Subject identifier"),
            help=gettext_lazy(
                "Which identifier the client gets for a person. If this changes, people have to allow the client again."
            ),
            choices=lambda terms: subject_types(terms.settings),
        ),
        Member(
            name="default_max_age",
            kind="number",
            label=gettext_lazy("Maximum sign-in age"),
            help=gettext_lazy("Seconds after which people have to sign in again, unless a request says otherwise."),
        ),
        Member(
            name="require_auth_time",
            kind="flag",
            label=gettext_lazy("Require the time of sign-in"),
            help=gettext_lazy("Whether ID tokens must say when the person signed in (auth_time)."),
        ),
        Member(
            name="default_acr_values",
            kind="texts",
            label=gettext_lazy("Authentication context classes"),
            help=gettext_lazy(
                "Authentication context classes to sign in with, preferred ones first, unless a request says otherwise."
            ),
        ),
        Member(
            name="initiate_login_uri",
            kind="uri",
            purpose="redirects",
            label=gettext_lazy("Login initiation URL"),
            help=gettext_lazy(
                "URL at which other sites can start a sign-in to this app (OpenID Connect Core section 4)."
            ),
            check=check_https_uri,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"subject_types_supported": list(subject_types(settings))}
