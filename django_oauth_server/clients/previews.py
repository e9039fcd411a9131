"""Redirect URIs of preview deployments: one label of a host that an operator named may be any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Warning
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.metadata import check_redirection
from django_oauth_server.component import Component, Member, Terms
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.previews import PreviewSettings
from django_oauth_server.models import Client
from django_oauth_server.protocol.uris import RESPONSE_PARAMETERS, check_has_none_of, is_preview_of

MEMBER: Final = "preview_redirect_uris"


def is_preview(uri: str, client: Client, settings: IssuerSettings) -> bool:
    """Whether *uri* is that of a preview deployment of *client*, at a host that is still named."""
    hosts = settings.group(PreviewSettings).hosts
    if not hosts:
        return False
    registered = map(str, client.metadata.get(MEMBER, ()))
    return any(urlsplit(one).hostname in hosts and is_preview_of(one, uri) for one in registered)


def _check(value: object, terms: Terms) -> None:
    uri, hosts = str(value), terms.settings.group(PreviewSettings).hosts
    try:
        check_redirection(uri.replace("*", "x", 1), terms)
        check_has_none_of(RESPONSE_PARAMETERS, uri)
    except ValueError as exc:
        raise ValueError(f"{uri}: {exc}.") from exc
    parts = urlsplit(uri)
    if parts.scheme != "https" or parts.netloc not in hosts or uri.count("*") != 1:
        raise ValueError(
            _("%(uri)s: it must be an https URL at one of the preview hosts of this server: %(hosts)s.")
            % {"uri": uri, "hosts": ", ".join(hosts)}
        )


class PreviewRedirectURIs(Component):
    """A departure from exact matching (RFC 9700 section 2.1) that an operator makes, host by host, and no client asks for."""

    name = "preview_redirect_uris"
    settings_name = "previews"
    settings_group = PreviewSettings
    client_metadata = (
        Member(
            name=MEMBER,
            kind="uris",
            purpose="redirects",
            label=gettext_lazy("Preview redirect URIs"),
            help=gettext_lazy(
                "Redirect URIs of preview deployments, one per line, for example "
                "https://*.preview.example.com/callback. The * stands for letters, digits and hyphens, without a dot."
            ),
            check=_check,
            operator_only=True,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.group(PreviewSettings).hosts)

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        hosts = ", ".join(settings.group(PreviewSettings).hosts)
        yield Warning(
            f"{settings.issuer} accepts any name at {hosts} in redirect URIs of preview deployments: whoever can "
            "publish a page there can receive authorization codes (RFC 9700 section 2.1 requires exact matching).",
            hint="List only hosts at which nobody but you can create names. If you do, silence this check.",
            id="oauth_server.W017",
        )
