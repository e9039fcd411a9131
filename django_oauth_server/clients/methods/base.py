"""The shape of a client authentication method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from django_oauth_server.component import Component, Document
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request presented: which client it says it is, and the proof."""

    client_id: str
    proof: str = ""

    def __repr__(self) -> str:  # a traceback must not show the proof
        return f"Credentials(client_id={self.client_id!r})"


class ClientAuthMethod(Component):
    """Answers one question: does this request prove to come from the client it names?"""

    confidential: bool = True
    """Whether it proves anything."""
    uses_secret: bool = False
    """Whether it needs a client secret."""

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        """The credentials of this kind in the request; None where there are none. Raises `OAuthError` where they are malformed."""
        raise NotImplementedError

    def verify(self, client: Client, credentials: Credentials, now: datetime) -> bool:
        """Whether *credentials* are *client*'s. Its registered method is this one."""
        raise NotImplementedError

    def offers(self) -> Mapping[str, tuple[str, ...]]:
        return {"token_endpoint_auth_method": (self.name,)}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {
            "token_endpoint_auth_methods_supported": [self.name],
            "revocation_endpoint_auth_methods_supported": [self.name],
        } | ({"introspection_endpoint_auth_methods_supported": [self.name]} if self.confidential else {})
