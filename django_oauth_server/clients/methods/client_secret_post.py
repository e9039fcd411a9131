"""The secret in the body (RFC 6749 section 2.3.1)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials
from django_oauth_server.clients.methods.presented_secret import proves
from django_oauth_server.protocol.parameters import Parameters


class ClientSecretPost(ClientAuthMethod):
    """For clients that cannot set a header."""

    name = "client_secret_post"
    label = _("Secret in the request body")
    parameters = frozenset({"client_id", "client_secret"})
    uses_secret = True

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        if "client_secret" not in params:
            return None
        return Credentials(params.require("client_id"), params["client_secret"])

    def verify(self, attempt: Attempt) -> bool:
        return proves(attempt)
