"""A request object by value: the parameter `request` (OpenID Connect Core section 6.1, RFC 9101 section 5.1)."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.sources.base import Arrival, Found, RequestSource
from django_oauth_server.authorization.sources.request_object import ALGORITHMS, read_request_object
from django_oauth_server.component import REDIRECTING, Document, Member
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import RequestNotSupported


class RequestByValue(RequestSource):
    """The request itself holds a JWT, which the client has signed."""

    name = "request"
    parameters = frozenset({"request"})
    serves = REDIRECTING
    parameter = "request"
    unsupported = RequestNotSupported
    client_metadata = (
        Member(
            name="request_object_signing_alg",
            kind="choice",
            purpose="keys",
            label=_("Request object signature"),
            help=_(
                "Algorithm the client signs its request objects with. Leave blank to allow any supported algorithm."
            ),
            choices=lambda terms: {alg: alg for alg in ALGORITHMS},
        ),
        Member(
            name="require_signed_request_object",
            kind="flag",
            label=_("Require signed requests"),
            help=_("Whether the client must send its authorization requests as signed request objects (RFC 9101)."),
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def read(self, arrival: Arrival) -> Found:
        return read_request_object(arrival.sent[self.parameter], arrival)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"request_parameter_supported": True, "request_object_signing_alg_values_supported": list(ALGORITHMS)}
