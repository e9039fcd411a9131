"""The resource owner password credentials grant (RFC 6749 section 4.3), for clients that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

from django.contrib.auth import authenticate
from django.core.checks import CheckMessage, Warning
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.engine import judge_password
from django_oauth_server.errors import InvalidGrant
from django_oauth_server.grants.allow import declined, record_consent
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.storage.authorizations import live_authorization


class Password(GrantType):
    """Proves that the client was told a person's password.

    It is judged before the transaction, which would undo what others write down of a failed sign-in to lock out who guesses (OAuth 2.1 section
    2.4.1); consent is recorded in it, so that a refusal leaves none.
    """

    name = "password"
    label = _("Password (the app sees the person's password)")
    parameters = frozenset({"grant_type", "username", "password", "scope"})
    refreshes = True
    guessable = True
    operator_only = True
    writes = True

    def allowed(self, policy: Policy) -> bool:
        return policy.allow_password

    def prepare(self, request: TokenRequest) -> TokenRequest:
        username, password = request.params.require("username"), request.params.require("password")
        return replace(request, user=authenticate(request.http, username=username, password=password))

    def redeem(self, request: TokenRequest) -> Issuance:
        user = request.user
        client = client_facts(request.client, request.issuer, (self.name,), user)
        scopes = judge_password(request.params, client, is_user=user is not None)
        if user is None:
            raise InvalidGrant("The username or password is wrong.")
        found = live_authorization(request.client, user)
        allowed = frozenset(scopes) - declined(found, request.issuer)
        audience = (request.issuer.settings.default_resource,)
        return Issuance(
            client=request.client,
            authorization=record_consent(found, request.client, user, allowed, audience, request.issuer, request.now),
            scopes=allowed,
            family=uuid4(),
        )

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        yield Warning(
            f"The profile {settings.profile!r} of {settings.issuer} offers the password grant: apps see people's passwords, "
            "and a second factor is not possible (RFC 9700 section 2.4 forbids it).",
            hint="Move the clients to the authorization code grant and use the profile 'oauth2_1'.",
            id="oauth_server.W002",
        )
