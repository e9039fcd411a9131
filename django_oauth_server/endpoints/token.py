"""The token endpoint (RFC 6749 section 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from django.http import HttpRequest
from django.utils import timezone

from django_oauth_server.clients.authentication import authenticate_client
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.sources.find import recall_client, recall_waiting_client
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import form_parameters, judged_as_it_is_now, protocol_endpoint, refused_to
from django_oauth_server.endpoints.throttling import failures_counted
from django_oauth_server.errors import (
    InvalidGrant,
    OAuthError,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from django_oauth_server.grants.base import GrantType, OtherToken, TokenRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.clients import as_it_is_now
from django_oauth_server.storage.transaction import atomic
from django_oauth_server.tokens.bindings.base import Call, Possession, check_demanded, shown_possession
from django_oauth_server.tokens.faults import check_row
from django_oauth_server.tokens.issue import handed_out, issue
from django_oauth_server.tokens.sealed import fetch_keys


class TokenEndpoint(Component):
    """Steps (C) and (D): a grant and its own proof, for an access token."""

    name = "token_endpoint"
    parameters = frozenset({"grant_type", "resource"})
    repeatable = frozenset({"resource"})
    endpoints = (Endpoint("token", "oauth/token", "django_oauth_server.endpoints.token.token"),)
    throttles = {"redemption": "60/m"}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"token_endpoint": endpoint("token")}


@protocol_endpoint(cors=True)
def token(http: HttpRequest, issuer: Issuer) -> Answer:
    """Which grant type, which client, may it, which key does it hold, what does it prove, what is it given."""
    params = form_parameters(http)
    grant_type = find_grant_type(params, issuer)
    params.refuse_repeated(but=TokenEndpoint.repeatable | grant_type.repeatable)
    now = timezone.now()
    find = recall_waiting_client if grant_type.waits else recall_client
    client = authenticate_client(http, params, issuer, find, now)
    with refused_to(client):
        with judged_as_it_is_now(client):
            check_row(client, issuer)
            check_may_use(client, grant_type, issuer)
        call = Call(http, client, issuer, "token", now)
        possession = shown_possession(call)
        with judged_as_it_is_now(client):
            check_demanded(possession, call)
        request = TokenRequest(
            params.only(grant_type.parameters), client, issuer, http, now, confirmation=possession.confirmation
        )
        refreshable = grant_type.refreshes and "refresh_token" in client.grant_types
        with failures_counted(request, guessable=grant_type.guessable):
            with nullcontext() if grant_type.waits else judged_as_it_is_now(client):
                request = grant_type.prepare(request)
            if grant_type.waits:
                request = replace(request, client=as_it_is_now(client))
            with judged_as_it_is_now(request.client):
                return _issued(grant_type, request, possession, grant_type.targets(params), refreshable=refreshable)


def _issued(
    grant_type: GrantType,
    request: TokenRequest,
    possession: Possession,
    resources: tuple[str, ...],
    *,
    refreshable: bool,
) -> Answer:
    fetch_keys(request.client, request.issuer)
    try:
        with atomic() if grant_type.writes or possession.uses else nullcontext():
            proven = grant_type.redeem(request)
            if isinstance(proven, OtherToken):
                members = handed_out(proven)
            else:
                issuance = replace(proven, confirmation=request.confirmation) if request.confirmation else proven
                members = issue(
                    issuance, resources, request.issuer, request.now, refreshable=refreshable, identifies=True
                )
            possession.spend()
            return Answer(members, headers=possession.headers)
    except InvalidGrant as exc:
        if exc.aftermath and possession.uses:
            exc.aftermath = partial(_once_spent, possession, exc.aftermath)
        raise


def _once_spent(possession: Possession, aftermath: Callable[[], object]) -> None:
    """Take back what a replay bought, unless the whole request is one: whoever recorded it holds no key, and cannot end another's session."""
    with atomic():
        try:
            possession.spend()
        except TemporarilyUnavailable:
            raise
        except OAuthError:  # it was presented before
            return
        aftermath()


def find_grant_type(params: Parameters, issuer: Issuer) -> GrantType:
    """RFC 6749 section 5.2: raises `InvalidRequest` where none is named, `UnsupportedGrantType` where it is not offered."""
    name = params.require("grant_type")
    grant_type = issuer.components.of(GrantType).get(name)
    if grant_type is None:
        raise UnsupportedGrantType(
            "The parameter grant_type is not supported by this server.", detail=f"grant_type {name!r}"
        )
    return grant_type


def check_may_use(client: Client, grant_type: GrantType, issuer: Issuer) -> None:
    """Raise `UnauthorizedClient` unless the client registered *grant_type*, its policy offers it, and it has proven what that needs."""
    if grant_type.name not in client.grant_types or not grant_type.allowed(issuer.policy_for(client.profile)):
        raise UnauthorizedClient(f"The client may not use the grant type {grant_type.name}.", parameter="grant_type")
    if grant_type.client_auth == "required" and is_public(client, issuer):
        raise UnauthorizedClient(
            f"A public client may not use the grant type {grant_type.name}.", parameter="grant_type"
        )
