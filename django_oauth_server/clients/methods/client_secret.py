"""A secret that is sent either way."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials
from django_oauth_server.component import Document
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.protocol.parameters import Parameters


class ClientSecret(ClientAuthMethod):
    """For clients of servers that never asked which of the two it would be (RFC 6749 section 2.3.1). No client can register it by itself, and
    metadata name the two."""

    name = "client_secret"
    label = _("Secret in the Authorization header or in the request body")
    operator_only = True
    uses_secret = True
    takes = frozenset({"client_secret_basic", "client_secret_post"})

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        return None

    def verify(self, attempt: Attempt) -> bool:
        return False

    def allowed(self, policy: Policy) -> bool:
        permitted = policy.permitted_client_auth_methods
        return permitted is None or self.takes <= permitted

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {}
