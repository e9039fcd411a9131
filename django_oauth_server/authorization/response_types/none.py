"""Nothing but that it was allowed (OAuth 2.0 Multiple Response Type Encoding Practices section 4)."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.request import Granted
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.conf import IssuerSettings


class NoneResponse(ResponseType):
    """The person's consent is recorded, for a request that comes later."""

    name = "none"
    label = _("Nothing (consent only)")
    grant_types = ()
    default_mode = "query"

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def parts(self, granted: Granted, redirect_uri: str) -> Mapping[str, str]:
        return {}
