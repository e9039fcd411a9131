"""A client, as the engine is told of it."""

from __future__ import annotations

from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.engine import ClientFacts
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


def client_facts(client: Client, issuer: Issuer) -> ClientFacts:
    """What may be asked for: the client's scopes, of those that the issuer still offers."""
    offered = issuer.settings.scopes
    scopes = client.scopes.intersection(offered)
    default = issuer.settings.default_scopes or _registered_by_itself(client)
    return ClientFacts(
        client_id=client.client_id,
        grant_types=client.grant_types,
        scopes=scopes,
        default_scopes=tuple(scope for scope in default if scope in scopes),
        offered_scopes=offered.keys(),
    )


def _registered_by_itself(client: Client) -> list[str]:
    """What a client asks for that registered itself and asks without a scope, as agents do that were told of none: what it registered, without
    those scopes that a sign-in names. The person is asked for each."""
    if client.registered_by == Client.RegisteredBy.OPERATOR:
        return []
    return sorted(client.scopes - OPENID_SCOPES.keys())
