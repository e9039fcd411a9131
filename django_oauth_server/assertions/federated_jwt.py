"""Workloads that prove who they are by a token of their platform (RFC 7523 section 2.2): Kubernetes, GitHub Actions and others."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.checks import CheckMessage, Warning
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.assertions.judge import NotAccepted
from django_oauth_server.assertions.jwt_bearer import JWTBearer
from django_oauth_server.assertions.workloads import RULE, proven_workload, seeming_client, workloads_of
from django_oauth_server.clients.kinds import WORKLOAD
from django_oauth_server.clients.methods.assertion import Said
from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials, Unproven, is_alone
from django_oauth_server.component import Words
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.conf.trusted_issuers import TrustedIssuersSettings
from django_oauth_server.errors import InvalidClient
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.clients import clients_named
from django_oauth_server.storage.presented import use_assertion


class FederatedJWT(ClientAuthMethod):
    """A workload has no secret and no key here: its platform signs who it is, and the settings say which client that is.

    `private_key_jwt` is another method (OpenID Connect Core section 9): there, the client signs for itself.
    """

    name = WORKLOAD
    label = _("Token from the workload's platform (no secret)")
    parameters = frozenset({"client_id", "client_assertion", "client_assertion_type", "assertion"})
    operator_only = True
    settings_name = "trusted_issuers"
    settings_group = TrustedIssuersSettings

    def enabled(self, settings: IssuerSettings) -> bool:
        return any(one.workloads for one in settings.group(TrustedIssuersSettings).issuers)

    def row_checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        named = {
            one.client_id for trusted in settings.group(TrustedIssuersSettings).issuers for one in trusted.workloads
        }
        known = clients_named(settings.issuer, named)
        for client_id in sorted(named):
            if client_id not in known or known[client_id].token_endpoint_auth_method != self.name:
                there = "is registered for another authentication method" if client_id in known else "is not registered"
                yield Warning(
                    f"trusted_issuers of {settings.issuer} names workloads of the client {client_id}, which {there}.",
                    hint=f"manage.py createclient --client-id {client_id} --kind workload registers it; updateclient changes its method.",
                    id="oauth_server.W019",
                )

    def told(self, client: Client, issuer: Issuer) -> Iterable[Words]:
        found = [f"{trusted.issuer}: {one}" for trusted, one in workloads_of(issuer, client.client_id)]
        return found or [
            _("None: the setting trusted_issuers names no workload of this client, so it can't authenticate.")
        ]

    def allowed(self, policy: Policy) -> bool:
        return super().allowed(policy) and bool(policy.algorithms(ALGORITHMS))

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        """A client assertion; or the assertion of the JWT bearer grant, where it is the only proof (RFC 7523 section 2.1)."""
        if said := Said.by(params):
            return None if said.of_itself else Credentials("", params["client_assertion"])
        if params.get("grant_type") == JWTBearer.name and "assertion" in params and is_alone(http, params):
            return Credentials("", params["assertion"], is_grant=True)
        return None

    def client_of(self, credentials: Credentials, issuer: Issuer) -> str:
        """The client whose workload the token says that it is of: its `sub` is the platform's name for that, not a client ID."""
        try:
            return seeming_client(credentials.proof, issuer)
        except NotAccepted as exc:
            raise InvalidClient(
                "Client authentication failed.", detail=f"{self.name} failed: {exc}", rule=exc.rule
            ) from exc

    def verify(self, attempt: Attempt) -> bool:
        """What was used is noted last, so that a failed attempt burns nothing."""
        algs = attempt.issuer.policy_for(attempt.client.profile).algorithms(ALGORITHMS)
        try:
            workload, assertion = proven_workload(attempt.credentials.proof, attempt.issuer, algs, attempt.now)
        except NotAccepted as exc:
            raise Unproven(str(exc), rule=exc.rule) from exc
        if workload.client_id != attempt.client.client_id:
            raise Unproven("it is of another client's workload", rule=RULE)
        used = f"{assertion.trusted.issuer} {assertion.jti}"
        if workload.single_use and not use_assertion(attempt.client, used, assertion.expires_at):
            raise Unproven("it was used before", rule=RULE)
        return True
