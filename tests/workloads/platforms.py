"""Tokens as platforms issue them to workloads: the same header, the same claims."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

from joserfc import jws

from django_oauth_server.conf import Prefix, TrustedIssuer, Workload
from django_oauth_server.protocol.jose import SigningKeyPair
from tests.assertions import ISSUER, jwks
from tests.factories import ClientFactory

GITHUB = "https://token.actions.githubusercontent.com"
KUBERNETES = "https://kubernetes.default.svc.cluster.local"
GITHUB_KEY = SigningKeyPair.generate("RS256")
KUBERNETES_KEY = SigningKeyPair.generate("RS256")
REPO = "repo:octo-org@65/octo-repo@74:"


def github(**said: Any) -> dict[str, Any]:
    """An ID token of a job that runs in an environment. A claim set to None is left out, and a span is from now."""
    now = int(time.time())
    usual = {
        "jti": str(uuid4()),
        "sub": f"{REPO}environment:production",
        "aud": ISSUER,
        "ref": "refs/heads/main",
        "sha": "9e3b1c0f6a5d4e2b8c7f1a0d3e5b6c7d8e9f0a1b",
        "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org",
        "repository_owner_id": "65",
        "run_id": "15894512345",
        "run_number": "10",
        "run_attempt": "2",
        "repository_visibility": "private",
        "repository_id": "74",
        "actor_id": "12",
        "actor": "octocat",
        "workflow": "deploy",
        "head_ref": "",
        "base_ref": "",
        "event_name": "workflow_dispatch",
        "ref_protected": "true",
        "ref_type": "branch",
        "workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
        "environment": "production",
        "runner_environment": "github-hosted",
        "iss": GITHUB,
        "nbf": now - 600,
        "exp": now + 300,
        "iat": now,
    }
    return _settled(usual | said, now)


def kubernetes(**said: Any) -> dict[str, Any]:
    """A service account token that the kubelet writes into a pod, projected for one audience."""
    now = int(time.time())
    usual = {
        "aud": [ISSUER],
        "exp": now + 3607,
        "iat": now,
        "iss": KUBERNETES,
        "jti": "e51f1fbc-4733-4b85-a59f-ba80c0523874",
        "kubernetes.io": {
            "namespace": "payments",
            "node": {"name": "worker-1", "uid": "517eb86e-b863-451b-bf70-86cb61439a3a"},
            "pod": {"name": "api-7c9d", "uid": "0d8b260e-ef0e-45fb-be8e-ff44f97722e8"},
            "serviceaccount": {"name": "api", "uid": "e6a8680e-d103-4cce-80ea-03acbbeacf7d"},
        },
        "nbf": now,
        "sub": "system:serviceaccount:payments:api",
    }
    return _settled(usual | said, now)


def _settled(claims: dict[str, Any], now: int) -> dict[str, Any]:
    said = {name: value for name, value in claims.items() if value is not None}
    return {
        name: now + int(value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in said.items()
    }


def github_token(pair: SigningKeyPair = GITHUB_KEY, **said: Any) -> str:
    return signed(github(**said), pair, typ="JWT", x5t="ykNaY4qM_ta4k2TgZOCEYLkcYlA")


def kubernetes_token(pair: SigningKeyPair = KUBERNETES_KEY, **said: Any) -> str:
    """Its header says no type."""
    return signed(kubernetes(**said), pair)


def signed(claims: dict[str, Any], pair: SigningKeyPair, **header: Any) -> str:
    said = {"alg": pair.alg, "kid": pair.kid} | header
    return jws.serialize_compact(said, json.dumps(claims), pair.key, algorithms=[pair.alg])


def trusted() -> tuple[TrustedIssuer, ...]:
    """Both platforms: a deployment of one environment, a job of any tag, and an API in a cluster."""
    return (
        TrustedIssuer(
            GITHUB,
            keys=jwks(GITHUB_KEY),
            algorithms=("RS256",),
            workloads=(
                Workload(client_id="deploy", subject=f"{REPO}environment:production"),
                Workload(client_id="release", subject=Prefix(f"{REPO}ref:refs/tags/"), claims={"ref_type": "tag"}),
            ),
        ),
        TrustedIssuer(
            KUBERNETES,
            keys=jwks(KUBERNETES_KEY),
            algorithms=("RS256",),
            workloads=(
                Workload(
                    client_id="payments-api",
                    subject="system:serviceaccount:payments:api",
                    claims={"kubernetes.io": {"serviceaccount": {"uid": "e6a8680e-d103-4cce-80ea-03acbbeacf7d"}}},
                    single_use=False,
                ),
            ),
        ),
    )


def workload_client(client_id: str, **more: Any) -> Any:
    metadata = {
        "metadata__token_endpoint_auth_method": "federated_jwt",
        "metadata__grant_types": ["client_credentials"],
        "metadata__scope": "notes:read",
    }
    return ClientFactory(client_id=client_id, **(metadata | more))
