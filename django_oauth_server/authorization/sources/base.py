"""The shape of a request source."""

from __future__ import annotations

from dataclasses import dataclass

from django_oauth_server.component import Component
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it was sent, in the name of a client that is known."""

    sent: Parameters
    client: Client
    issuer: Issuer
    names: frozenset[str]
    """The parameters that something reads; others are ignored."""


@dataclass(frozen=True, slots=True)
class Found:
    """The parameters that a client has signed."""

    parameters: Parameters
    alone: bool = False
    """Nothing that was sent beside them counts, but `client_id` (RFC 9101 section 6.3). Otherwise it completes them (OpenID Connect Core
    section 6.1)."""


class RequestSource(Component):
    """Answers one question: where do the parameters of this request come from? Its name is the parameter that leads there."""

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def read(self, arrival: Arrival) -> Found:
        """What the client has signed. Raises the `OAuthError` that it is answered."""
        raise NotImplementedError
