"""Rows that name what this server does not have (any more): somebody wrote into the table, or took a component away."""

from __future__ import annotations

from django_oauth_server.clients.methods.base import registered_method
from django_oauth_server.errors import UnauthorizedClient
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.tokens.formats.base import TokenFormat


def fault_of(client: Client, issuer: Issuer) -> str:
    """What *client* names and nobody knows, for operators; empty where all is there. Such a client gets nothing until its row is mended."""
    if client.profile and client.profile not in issuer.settings.profiles:
        return f"unknown security profile {client.profile!r}. Known: {', '.join(issuer.settings.profiles)}"
    formats = issuer.components.of(TokenFormat)
    if client.access_token_format and client.access_token_format not in formats:
        return f"unknown access token format {client.access_token_format!r}. Known: {', '.join(formats)}"
    if registered_method(client, issuer) is None:
        return f"authentication method {client.token_endpoint_auth_method!r} is not offered to this client"
    return ""


def check_row(client: Client, issuer: Issuer) -> None:
    """Raise `UnauthorizedClient` where *client* names what is not there."""
    if fault := fault_of(client, issuer):
        raise UnauthorizedClient(
            "The client is configured for something that this server does not offer. An operator has to change its registration.",
            detail=fault,
        )
