"""In the redirect URI's fragment (RFC 6749 section 4.2.2)."""

from __future__ import annotations

from collections.abc import Mapping

from django_oauth_server.authorization.response_modes.base import Redirect, ResponseMode
from django_oauth_server.protocol.uris import add_parameters


class Fragment(ResponseMode):
    """Stays in the browser."""

    name = "fragment"

    def send(self, redirect_uri: str, parameters: Mapping[str, str], client_name: str) -> Redirect:
        return Redirect(add_parameters(redirect_uri, parameters.items(), "fragment"))
