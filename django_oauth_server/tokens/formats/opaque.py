"""A token that means nothing to who holds it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Token
from django_oauth_server.protocol import opaque
from django_oauth_server.tokens.formats.base import TokenFormat


class Opaque(TokenFormat):
    """256 random bits; all that is known of it is in the database."""

    name = "opaque"
    label = _("Opaque: can be revoked immediately, verified with one query or by introspection")

    def digest(self, identifier: str) -> str:
        return opaque.digest(identifier)

    def render(self, token: Token, identifier: str, issuer: Issuer) -> str:
        return identifier
