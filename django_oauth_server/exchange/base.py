"""The shape of what a subject token is exchanged for."""

from __future__ import annotations

from django_oauth_server.component import Component
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.grants.base import Issuance, OtherToken, TokenRequest

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
"""What the identifiers of token types begin with (RFC 8693 section 3)."""


class RequestedToken(Component):
    """Answers one question: what is given for the tokens that are presented? Its `name` is a value of `requested_token_type`."""

    def redeem(self, request: TokenRequest) -> Issuance | OtherToken:
        """Raises an `OAuthError` where no rule allows it."""
        raise NotImplementedError


class Unacceptable(InvalidRequest):
    """RFC 8693 section 2.2.2: the subject token or the actor token is not valid, or may not be exchanged so."""

    rule = "RFC 8693 section 2.2.2"
