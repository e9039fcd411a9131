"""A cluster whose keys are fetched: by its own CA, with a token or without, and a new key as soon as it signs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from django_oauth_server.conf import TrustedIssuer, Workload
from django_oauth_server.protocol.jose import SigningKeyPair
from tests.assertions import jwks, proof
from tests.flow import TOKEN, form
from tests.outbound.server import WebServer
from tests.workloads.cluster import KEYS, Cluster, running
from tests.workloads.platforms import KUBERNETES, KUBERNETES_KEY, kubernetes_token, workload_client

pytestmark = pytest.mark.django_db
WORKLOADS = (Workload(client_id="payments-api", subject="system:serviceaccount:payments:api", single_use=False),)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    workload_client("payments-api")
    with running(tmp_path) as cluster:
        cluster.jwks = jwks(KUBERNETES_KEY)
        yield cluster


def trust(settings: Any, cluster: Cluster, issuer: str = "", **said: Any) -> str:
    """The issuer that is trusted: the address of the *cluster*, unless its keys are."""
    one = TrustedIssuer(issuer or cluster.address, workloads=WORKLOADS, ca_bundle=str(cluster.ca_bundle), **said)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": (one,)}}
    return one.issuer


def ask(jwt: str) -> Any:
    request = form({"grant_type": "client_credentials"} | proof(jwt))
    return Browser().post(TOKEN, request, "application/x-www-form-urlencoded")


def test_keys_are_found_by_the_clusters_metadata_and_fetched_once(settings: Any, cluster: Cluster) -> None:
    issuer = trust(settings, cluster)

    assert [ask(kubernetes_token(iss=issuer)).status_code for _ in range(3)] == [200, 200, 200]
    assert cluster.asked.count(KEYS) == 1


def test_keys_at_an_address_for_which_a_token_is_needed(settings: Any, cluster: Cluster, tmp_path: Path) -> None:
    """In the cluster: the issuer is a name that nobody resolves, and the API server answers to service accounts alone."""
    cluster.demands = "the-pods-own-token"
    token_file = tmp_path / "token"
    token_file.write_text("the-pods-own-token\n", encoding="ascii")
    trust(settings, cluster, KUBERNETES, keys=cluster.address + KEYS, token_file=str(token_file))

    assert ask(kubernetes_token()).status_code == 200
    assert cluster.asked == [KEYS]


def test_without_that_token_it_fails_closed(settings: Any, cluster: Cluster, tmp_path: Path) -> None:
    cluster.demands = "the-pods-own-token"
    trust(settings, cluster, KUBERNETES, keys=cluster.address + KEYS, token_file=str(tmp_path / "gone"))

    answer = ask(kubernetes_token())

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_token_is_sent_to_no_address_that_somebody_else_names() -> None:
    with pytest.raises(ImproperlyConfigured, match="token_file needs an address in keys"):
        TrustedIssuer(KUBERNETES, token_file="/var/run/secrets/kubernetes.io/serviceaccount/token")


def test_a_new_key_of_the_cluster_is_noticed(settings: Any, cluster: Cluster) -> None:
    issuer, new = trust(settings, cluster), SigningKeyPair.generate("RS256")
    assert ask(kubernetes_token(iss=issuer)).status_code == 200

    cluster.jwks = jwks(new)

    assert ask(kubernetes_token(new, iss=issuer)).status_code == 200


def test_a_certificate_of_another_authority_is_not_trusted(settings: Any, cluster: Cluster) -> None:
    one = TrustedIssuer(cluster.address, workloads=WORKLOADS)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": (one,)}}

    assert ask(kubernetes_token(iss=one.issuer)).status_code == 503


def test_an_issuer_elsewhere_leads_to_no_service_of_this_machine(settings: Any, cluster: Cluster) -> None:
    """Metadata of somebody who has taken over the issuer: http is for an issuer that is on this machine itself (RFC 8414 section 2)."""
    inside = WebServer(None)
    inside.pages["/keys"] = 200, {"Content-Type": "application/json"}, json.dumps(cluster.jwks).encode()
    issuer, cluster.jwks_uri = trust(settings, cluster), inside.url("/keys")
    try:
        assert ask(kubernetes_token(iss=issuer)).status_code == 503
        assert not inside.asked
    finally:
        inside.stop()
