"""The shape of what a subject token is exchanged for."""

from __future__ import annotations

from django_oauth_server.component import Component
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.grants.base import Issuance, OtherToken, TokenRequest
from django_oauth_server.protocol.parameters import Parameters

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
"""What the identifiers of token types begin with (RFC 8693 section 3)."""


def targets_of(params: Parameters) -> tuple[str, ...]:
    """Section 2.1: a target is named by its address or by a logical name, which here are the same."""
    return (*params.every("resource"), *params.every("audience"))


class RequestedToken(Component):
    """Answers one question: what is given for the tokens that are presented? Its `name` is a value of `requested_token_type`."""

    def redeem(self, request: TokenRequest) -> Issuance | OtherToken:
        """Raises an `OAuthError` where no rule allows it."""
        raise NotImplementedError


class Unacceptable(InvalidRequest):
    """RFC 8693 section 2.2.2: the subject token or the actor token is not valid, or not acceptable for this exchange."""

    rule = "RFC 8693 section 2.2.2"
