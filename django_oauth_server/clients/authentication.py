"""Which client is this? All methods are asked; exactly one may answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Unproven
from django_oauth_server.clients.throttling import check_guesses, failed
from django_oauth_server.errors import InvalidClient, InvalidRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters

FindClient = Callable[[str, str], Client | None]
"""From issuer identifier and client id to the client."""


def authenticate_client(
    http: HttpRequest, params: Parameters, issuer: Issuer, find: FindClient, now: datetime
) -> Client:
    """The client that the request proves to come from.

    Raises `InvalidRequest` where two methods are used at once (RFC 6749 section 2.3), `InvalidClient` where none is, or the proof fails;
    `TooManyRequests` where it fails too often. The description never says which part was wrong; the log does.
    """
    methods = issuer.components.of(ClientAuthMethod).values()
    presented = [(method, credentials) for method in methods if (credentials := method.present(http, params))]
    # Whoever proves something may send client_id as well, which alone is what a public client presents.
    presented = [one for one in presented if one[0].confidential] or presented
    if not presented:
        raise InvalidClient("The client did not authenticate.")
    if len(presented) > 1:
        raise InvalidRequest("The client used more than one authentication method.")
    method, credentials = presented[0]
    if params.get("client_id", credentials.client_id) != credentials.client_id:
        raise InvalidRequest("The parameter client_id is not the client that authenticated.")
    check_guesses(method, credentials, http, issuer, now)
    client = find(issuer.settings.issuer, credentials.client_id)
    if client is None:
        raise failed(credentials.client_id, "unknown client", http, issuer, now)
    if reason := _refusal(method, Attempt(client, credentials, issuer, http, now)):
        raise failed(credentials.client_id, reason, http, issuer, now)
    return client


def _refusal(method: ClientAuthMethod, attempt: Attempt) -> str:
    client = attempt.client
    if not client.is_active:
        return "disabled client"
    if client.token_endpoint_auth_method != method.name:
        return f"registered {client.token_endpoint_auth_method}, used {method.name}"
    try:
        return "" if method.verify(attempt) else f"wrong proof by {method.name}"
    except Unproven as exc:
        return f"wrong proof by {method.name}: {exc}"
