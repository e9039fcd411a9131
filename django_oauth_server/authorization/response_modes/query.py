"""In the redirect URI's query (RFC 6749 section 4.1.2)."""

from __future__ import annotations

from collections.abc import Mapping

from django_oauth_server.authorization.response_modes.base import Redirect, ResponseMode
from django_oauth_server.protocol.uris import add_parameters


class Query(ResponseMode):
    """For codes; never for tokens, which servers and browsers would write down."""

    name = "query"
    carries_tokens = False

    def send(self, redirect_uri: str, parameters: Mapping[str, str], client_name: str) -> Redirect:
        return Redirect(add_parameters(redirect_uri, parameters.items(), "query"))
