"""Which client is this? The one that the request names; whether it is, the method that it registered says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.http import HttpRequest

from django_oauth_server.clients.methods.base import (
    Attempt,
    ClientAuthMethod,
    Credentials,
    Unproven,
    registered_method,
)
from django_oauth_server.clients.sources.find import explain_unknown
from django_oauth_server.clients.throttling import check_guesses, failed
from django_oauth_server.errors import InvalidClient, InvalidRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.clients import as_it_is_now

FindClient = Callable[[Issuer, str], Client | None]
"""`find_client`, or one that is content with what was found a moment ago."""
Presented = Mapping[ClientAuthMethod, Credentials]
"""What a request has of each method of which it has anything."""
_UNREAD = "no method takes its client_assertion: its iss is neither its sub nor a trusted issuer, or its algorithm is not offered"


def authenticate_client(
    http: HttpRequest, params: Parameters, issuer: Issuer, find: FindClient, now: datetime
) -> Client:
    """The client that the request proves to come from.

    Raises `InvalidRequest` where two proofs were sent at once (RFC 6749 section 2.3), `InvalidClient` where none was, or the proof fails;
    `TooManyRequests` where it fails too often. The description never says which part was wrong; the log does.
    """
    methods = issuer.components.of(ClientAuthMethod).values()
    presented = {method: credentials for method in methods if (credentials := method.present(http, params))}
    sent = [
        method for method in presented if method.confidential and not (method.ambient or presented[method].is_grant)
    ]
    sent = sent or _grants(presented, issuer)
    if len(sent) > 1:
        raise InvalidRequest("The client used more than one authentication method.")
    client_id = _proven(sent[0], presented, params, issuer) if sent else _named(presented, params)
    for method, credentials in presented.items():
        if method.is_guess(credentials):
            check_guesses(client_id, http, issuer, now)
    client = find(issuer, client_id)
    if client is None:
        why = explain_unknown(issuer, client_id)
        detail = ": ".join(filter(None, (f"unknown client, client_id {client_id!r}", why)))
        raise failed(client_id, detail, http, issuer, now, why)
    registered = registered_method(client, issuer)
    # What comes by itself is no attempt: without a proof that was sent, it is the registered method's turn, if there is anything of it.
    used = sent[0] if sent else registered if registered in presented else next(iter(presented))
    if unproven := _fault(registered, used, Attempt(client, presented[used], issuer, http, now)):
        as_it_is_now(client)
        refusal = failed(client_id, str(unproven), http, issuer, now)
        refusal.client_id = client.client_id
        refusal.rule = unproven.rule or refusal.rule
        raise refusal
    return client


def _grants(presented: Presented, issuer: Issuer) -> list[ClientAuthMethod]:
    """Those by which a grant is the proof, where the client sent no other; beside what comes by itself, where it is of a client."""
    grants = [method for method in presented if presented[method].is_grant]
    if grants and any(method.ambient for method in presented):
        return [method for method in grants if _names_client(method, presented[method], issuer)]
    return grants


def _names_client(method: ClientAuthMethod, credentials: Credentials, issuer: Issuer) -> bool:
    try:
        return bool(method.client_of(credentials, issuer))
    except InvalidClient:
        return False


def _proven(method: ClientAuthMethod, presented: Presented, params: Parameters, issuer: Issuer) -> str:
    """The client that the proof is of which was sent by *method*. The parameter `client_id` must not name another (RFC 7521 section 4.2)."""
    client_id = method.client_of(presented[method], issuer)
    if params.get("client_id", client_id) != client_id:
        raise InvalidRequest("The parameter client_id does not match the client that authenticated.")
    return client_id


def _named(presented: Presented, params: Parameters) -> str:
    """The client that a request without a proof names, by the parameter `client_id`; else with what comes with every request."""
    named = {one.client_id for one in presented.values() if one.client_id}
    client_id = params.get("client_id") or (named.pop() if len(named) == 1 else "")
    if not presented or not client_id:
        raise InvalidClient("The client did not authenticate.", detail=_UNREAD if "client_assertion" in params else "")
    return client_id


def _fault(registered: ClientAuthMethod | None, used: ClientAuthMethod, attempt: Attempt) -> Unproven | None:
    """Why *attempt* by the method that was *used* fails, for the log; None where it does not."""
    client = attempt.client
    if not client.is_active:
        return Unproven("disabled client")
    if registered is None:
        return Unproven(f"registered for {client.token_endpoint_auth_method}, which this server does not offer it")
    if used is not registered and used.name not in registered.takes:
        return Unproven(f"registered for {client.token_endpoint_auth_method}, but used {used.name}")
    if attempt.credentials.client_id not in {"", client.client_id}:
        return Unproven(f"{used.name} failed: issued to another client")
    try:
        return None if used.verify(attempt) else Unproven(f"{used.name} failed")
    except Unproven as exc:
        return Unproven(f"{used.name} failed: {exc}", rule=exc.rule)
