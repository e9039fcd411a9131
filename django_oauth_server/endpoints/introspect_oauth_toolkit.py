"""Token introspection as django-oauth-toolkit answers it: for resource servers that were set up to ask there.

They show a client's secret, or an access token with the scope `introspection`; they may ask about every access token, and by GET; and they take
`aud` for the addresses under which a token may be used, so that it is told only where the client asked for a resource.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from django_oauth_server.clients.authentication import authenticate_client
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.sources.find import find_client, recall_client
from django_oauth_server.endpoints.http import (
    bearer_token,
    form_parameters,
    judged_as_it_is_now,
    protocol_endpoint,
    query_parameters,
    refused_to,
)
from django_oauth_server.endpoints.throttling import count
from django_oauth_server.errors import InvalidClient, InvalidToken
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.resource.verifiers.base import InvalidToken as Unusable
from django_oauth_server.tokens.introspect import introspect_for_any
from django_oauth_server.tokens.verify import verify_with_authorization

SCOPE: Final = "introspection"


@protocol_endpoint(cors=False, methods=("GET", "POST"))
def introspect(http: HttpRequest, issuer: Issuer) -> Answer:
    """For callers that prove who they are, one way or the other (RFC 7662 section 2.1)."""
    params = query_parameters(http) if http.method == "GET" else form_parameters(http)
    params.refuse_repeated()
    now = timezone.now()
    caller = _caller(http, params, issuer, now)
    with refused_to(caller), judged_as_it_is_now(caller):
        members = introspect_for_any(params.require("token"), caller, issuer, now)
        if not members["active"]:
            count("introspection", "introspection of unknown tokens", caller, http, issuer, now)
        return Answer(members)


def _caller(http: HttpRequest, params: Parameters, issuer: Issuer, now: datetime) -> Client:
    if presented := bearer_token(http):
        return _holder(presented, issuer, now)
    caller = authenticate_client(http, params, issuer, recall_client, now)
    if is_public(caller, issuer):
        raise InvalidClient("A public client may not introspect tokens.")
    return caller


def _holder(presented: str, issuer: Issuer, now: datetime) -> Client:
    """The client that an access token with the scope `introspection` was issued to."""
    try:
        token, _ = verify_with_authorization(presented, issuer, now)
    except Unusable as exc:
        raise InvalidToken("The access token is not valid.", detail=exc.reason) from exc
    if SCOPE not in token.scopes:
        raise InvalidToken(f"The access token lacks the scope {SCOPE}.", detail=f"client_id {token.client_id!r}")
    holder = find_client(issuer, token.client_id)
    if holder is None or not holder.is_active:
        raise InvalidToken("The access token is not valid.", detail=f"client_id {token.client_id!r} is not active")
    return holder
