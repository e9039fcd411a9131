"""Which client is a workload whose platform vouches for it by a JWT of its own? The settings of the trusted issuer say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final

from django.views.decorators.debug import sensitive_variables

from django_oauth_server.assertions.judge import Assertion, NotAccepted, judged, trusted_issuer_of
from django_oauth_server.clients.kinds import WORKLOAD
from django_oauth_server.conf import TrustedIssuer, Workload
from django_oauth_server.conf.trusted_issuers import TrustedIssuersSettings
from django_oauth_server.grants.base import TokenRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.jose import unverified

TYPES: Final = ("JWT", "client-authentication+jwt")
"""The header's `typ`, which need not be there: Kubernetes says none."""
_MOST_TOLD: Final = 255
RULE: Final = "trusted_issuers: workloads"


def workloads_of(issuer: Issuer, client_id: str) -> Iterator[tuple[TrustedIssuer, Workload]]:
    """The workloads that are the client *client_id*, each with who vouches for it."""
    for trusted in issuer.settings.group(TrustedIssuersSettings).issuers:
        yield from ((trusted, one) for one in trusted.workloads if one.client_id == client_id)


@sensitive_variables("token")
def seeming_client(token: str, issuer: Issuer) -> str:
    """The client whose workload *token* says that it is of. Nothing is verified. Raises `NotAccepted` where it can be of none."""
    trusted = trusted_issuer_of(token, issuer)
    return _workload(trusted, unverified(token)[1]).client_id


@sensitive_variables("token")
def proven_workload(token: str, issuer: Issuer, algs: Collection[str], now: datetime) -> tuple[Workload, Assertion]:
    """The workload that *token* proves, and what its platform says. Callers check whether it was used before. Raises `NotAccepted`."""
    trusted = trusted_issuer_of(token, issuer)
    assertion = judged(token, trusted, issuer, algs, TYPES, now)
    workload = _workload(trusted, assertion.claims)
    if workload.single_use and not assertion.jti:
        raise NotAccepted(
            "The token has no jti.", rule=RULE, detail=f"the workload of {workload.client_id} is single_use"
        )
    return workload, assertion


def acts_for_itself(request: TokenRequest) -> bool:
    """Whether the assertion of *request* is what its client authenticated with: it has none beside it."""
    return request.client.token_endpoint_auth_method == WORKLOAD and "client_assertion" not in request.params


def _workload(trusted: TrustedIssuer, claims: Mapping[str, object]) -> Workload:
    """The workload whose tokens say *claims*. There is no second one: settings in which two could match stop the start."""
    lacking = [(one.unmet(claims), one) for one in trusted.workloads]
    for unmet, workload in lacking:
        if not unmet:
            return workload
    detail = f"{trusted.issuer} vouches for {str(claims.get('sub'))[:_MOST_TOLD]!r}"
    if lacking:
        unmet, nearest = min(lacking, key=lambda one: ("sub" in one[0], len(one[0])))
        detail += f", but the workload of {nearest.client_id} needs another {' and '.join(unmet)}"
    raise NotAccepted("The token is of no workload.", rule=RULE, detail=detail)
