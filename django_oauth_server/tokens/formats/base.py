"""The shape of an access token format."""

from __future__ import annotations

from typing import ClassVar

from django_oauth_server.component import Component
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Token


class TokenFormat(Component):
    """Answers one question: what does the client get to hold?"""

    self_contained: ClassVar[bool] = False
    """Whether a resource server can verify it without asking, so that it need not be stored."""

    def digest(self, identifier: str) -> str:
        """What is stored of the token whose unguessable part is *identifier*."""
        raise NotImplementedError

    def render(self, token: Token, identifier: str, issuer: Issuer) -> str:
        """The token on the wire."""
        raise NotImplementedError
