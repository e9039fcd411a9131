"""A client, as the engine is told of it."""

from __future__ import annotations

from django_oauth_server.engine import ClientFacts
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


def client_facts(client: Client, issuer: Issuer) -> ClientFacts:
    """What may be asked for: the client's scopes, of those that the issuer still offers."""
    scopes = client.scopes.intersection(issuer.settings.scopes)
    return ClientFacts(
        client_id=client.client_id,
        grant_types=client.grant_types,
        scopes=scopes,
        default_scopes=tuple(scope for scope in issuer.settings.default_scopes if scope in scopes),
        offered_scopes=issuer.settings.scopes.keys(),
    )
