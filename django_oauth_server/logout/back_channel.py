"""Back-channel logout as an issuer offers it (OpenID Connect Back-Channel Logout section 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from importlib.util import find_spec

from django.core.checks import CheckMessage, Error
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import Component, Document, Member, Sweep, Terms
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.protocol.uris import check_web_uri
from django_oauth_server.storage.logout_deliveries import finished_deliveries


def _check_uri(value: object, terms: Terms) -> None:
    try:
        check_web_uri(str(value))
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc


class BackChannelLogout(Component):
    """Relying parties are told by this server itself, whatever the person's browser does."""

    name = "back_channel_logout"
    client_metadata = (
        Member(
            name="backchannel_logout_uri",
            kind="uri",
            purpose="logout",
            label=_("Back-channel logout URI"),
            help=_("URL at which the app's server is notified when a person signs out."),
            check=_check_uri,
        ),
        Member(
            name="backchannel_logout_session_required",
            kind="flag",
            purpose="logout",
            label=_("Back-channel logout requires the session ID"),
            help=_("Whether logout tokens must identify the session. They always do."),
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(_("finished logouts"), finished_deliveries(expired), by="finished_at")

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if settings.logout_delivery == "task" and find_spec("django.tasks") is None:
            yield Error(
                f"logout_delivery of {settings.issuer} is 'task', but this version of Django has no tasks.",
                hint="Upgrade to Django 6.0, or use 'thread', or 'command' with manage.py deliverlogouts.",
                id="oauth_server.E009",
            )
