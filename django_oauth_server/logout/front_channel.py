"""Front-channel logout (OpenID Connect Front-Channel Logout 1.0): the person's own browser tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import Component, Document, Member, Terms
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.models.participation import Participation
from django_oauth_server.protocol.destinations import is_same_place
from django_oauth_server.protocol.uris import add_parameters, check_has_none_of, check_web_uri


def _check_uri(value: object, terms: Terms) -> None:
    try:
        check_web_uri(str(value))
        check_has_none_of({"iss", "sid"}, str(value))
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc


class FrontChannelLogout(Component):
    """Relying parties are told by a page of theirs that the person's browser loads when they sign out."""

    name = "front_channel_logout"
    client_metadata = (
        Member(
            name="frontchannel_logout_uri",
            kind="uri",
            purpose="logout",
            label=_("Front-channel logout URI"),
            help=_(
                "URL of a page that the browser loads in a hidden frame when a person signs out. Its scheme, "
                "host and port must match those of a redirect URI."
            ),
            check=_check_uri,
        ),
        Member(
            name="frontchannel_logout_session_required",
            kind="flag",
            purpose="logout",
            label=_("Front-channel logout requires the session ID"),
            help=_("Whether that URL must identify the session. It always does."),
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}


def frames(ended: Iterable[Participation]) -> list[str]:
    """What the browser has to load: the page of each relying party, with `iss` and `sid` (section 2).

    None at the issuer's own origin: the browser would ask it with the person's cookies, because a client wants it to.
    """
    return [
        add_parameters(one.client.frontchannel_logout_uri, [("iss", one.client.issuer), ("sid", one.told_sid)], "query")
        for one in ended
        if one.client.frontchannel_logout_uri
        and one.client.is_active
        and not is_same_place(one.client.frontchannel_logout_uri, one.client.issuer)
    ]
