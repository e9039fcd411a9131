"""The secret in the Authorization header (RFC 6749 section 2.3.1)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials, authorization_header
from django_oauth_server.clients.methods.presented_secret import proves
from django_oauth_server.errors import InvalidClient
from django_oauth_server.protocol.basic import parse_basic
from django_oauth_server.protocol.parameters import Parameters


class ClientSecretBasic(ClientAuthMethod):
    """Id and secret are form-encoded before they are joined, so that a colon or an umlaut survives."""

    name = "client_secret_basic"
    label = _("Secret in the Authorization header")
    uses_secret = True

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        scheme, _, value = authorization_header(http).partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            return Credentials(*parse_basic(value.strip()))
        except ValueError as exc:
            raise InvalidClient(
                "The Authorization header must be HTTP Basic with a form-encoded client ID and secret.", detail=str(exc)
            ) from exc

    def verify(self, attempt: Attempt) -> bool:
        return proves(attempt)
