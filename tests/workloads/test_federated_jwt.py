"""Workloads authenticate with the token of their platform (RFC 7523 section 2.2): no secret, no key, and nobody else's token will do."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client as Browser

from django_oauth_server.conf import Prefix, TrustedIssuer, Workload
from django_oauth_server.models import Client
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol.jose import SigningKeyPair
from tests.assertions import ISSUER, jwks, key_client, proof
from tests.assertions import assertion as own_assertion
from tests.factories import ClientFactory
from tests.flow import INTROSPECT, REVOKE, TOKEN, Flow, form, told
from tests.trusted_issuers.idp import JWT_BEARER
from tests.workloads.platforms import (
    GITHUB,
    GITHUB_KEY,
    KUBERNETES,
    KUBERNETES_KEY,
    REPO,
    github,
    github_token,
    kubernetes_token,
    signed,
    trusted,
    workload_client,
)

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
METADATA = "/.well-known/oauth-authorization-server"
OTHER_RSA = SigningKeyPair.generate("RS256")


@pytest.fixture(autouse=True)
def platforms(settings: Any) -> None:
    trust(settings, *trusted())


def trust(settings: Any, *issuers: TrustedIssuer) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": issuers}}


@pytest.fixture
def deploy() -> Any:
    return workload_client("deploy")


@pytest.fixture
def api() -> Any:
    return workload_client("payments-api")


def post(path: str, **params: Any) -> Any:
    return Browser().post(path, form(params), FORM)


def ask(jwt: str, **params: Any) -> Any:
    return post(TOKEN, **({"grant_type": "client_credentials"} | proof(jwt) | params))


def refused(response: Any, error: str = "invalid_client") -> str:
    """The log's reason, which is the only thing that differs."""
    assert response.json()["error"] == error, response.content
    assert response.status_code == (401 if error == "invalid_client" else 400)
    if error == "invalid_client":
        assert response.json()["error_description"] == "Client authentication failed."
    return Refusal.objects.get(reference=response.json()["error_reference"]).reason


@pytest.mark.spec("RFC 7523", "2.2")
@pytest.mark.parametrize(
    ("client_id", "token"),
    [
        ("deploy", github_token),
        ("release", lambda: github_token(sub=f"{REPO}ref:refs/tags/v1.0", ref_type="tag")),
        ("payments-api", kubernetes_token),
    ],
    ids=["a GitHub environment", "a GitHub tag", "a Kubernetes service account"],
)
@pytest.mark.parametrize("named", [False, True], ids=["without client_id", "with client_id"])
def test_a_token_of_the_platform_is_enough(client_id: str, token: Callable[[], str], named: bool) -> None:
    workload_client(client_id)

    answer = ask(token(), **({"client_id": client_id} if named else {}))

    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "notes:read"


def test_it_introspects_and_revokes_as_well(api: Any) -> None:
    access_token = ask(kubernetes_token()).json()["access_token"]

    seen = post(INTROSPECT, token=access_token, **proof(kubernetes_token())).json()
    revoked = post(REVOKE, token=access_token, **proof(kubernetes_token()))

    assert (seen["active"], seen["client_id"]) == (True, "payments-api")
    assert revoked.status_code == 200
    assert post(INTROSPECT, token=access_token, **proof(kubernetes_token())).json() == {"active": False}


@pytest.mark.spec("RFC 7523", "3")
def test_a_token_of_one_use_is_accepted_once(deploy: Any) -> None:
    token = github_token()

    assert ask(token).status_code == 200
    assert "it was used before" in refused(ask(token))
    assert ask(github_token()).status_code == 200


def test_a_token_from_a_file_may_be_presented_until_it_expires(api: Any) -> None:
    token = kubernetes_token()

    assert [ask(token).status_code for _ in range(3)] == [200, 200, 200]
    assert not UsedAssertion.objects.exists()


def test_a_failed_attempt_uses_up_nothing(deploy: Any) -> None:
    token = github_token()
    deploy.is_active = False
    deploy.save()
    refused(ask(token))
    deploy.is_active = True
    deploy.save()

    assert ask(token).status_code == 200


@pytest.mark.spec("RFC 7523", "3", "3.2")
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"aud": "https://github.com/octo-org"}, "its aud must name this server"),
        ({"aud": [ISSUER, "https://other.example"]}, "its aud must name this server, and nobody else"),
        ({"aud": []}, "its aud must name this server"),
        ({"aud": None}, "its aud must name this server"),
        ({"exp": timedelta(seconds=-1)}, "it has expired"),
        ({"exp": None}, "it has expired"),
        ({"exp": timedelta(seconds=7200)}, "it lives for too long"),
        ({"nbf": timedelta(seconds=300)}, "nbf is yet to come"),
        ({"jti": None}, "has no jti"),
        ({"jti": 7}, "its jti must be"),
    ],
    ids=str,
)
def test_what_the_token_says_is_judged(deploy: Any, said: dict[str, Any], reason: str) -> None:
    assert reason in refused(ask(github_token(**said)))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"sub": "repo:octo-org@65/octo-repo@74:pull_request"}, "needs another sub"),
        ({"sub": "repo:octo-org/octo-repo:environment:production"}, "needs another sub"),
        ({"sub": "repo:octo-org@66/octo-repo@75:environment:production"}, "needs another sub"),
        ({"sub": f"{REPO}ref:refs/tags/v1", "ref_type": "branch"}, "the workload of release needs another ref_type"),
        ({"sub": f"{REPO}ref:refs/tags/"}, "needs another sub"),
        ({"sub": None}, "needs another sub"),
        ({"sub": ["deploy"]}, "needs another sub"),
        ({"sub": "a" * 10_000}, "needs another sub"),
        ({"sub": "\0"}, "needs another sub"),
        ({"sub": "\ud800"}, "needs another sub"),
    ],
    ids=lambda value: str(value)[:50].encode("ascii", "replace").decode(),
)
def test_a_token_of_no_workload_is_refused_and_the_log_says_what_is_missing(
    deploy: Any, said: dict[str, Any], reason: str
) -> None:
    response = ask(github_token(**said))

    assert reason in refused(response)
    assert Refusal.objects.get().rule == "trusted_issuers: workloads"


def test_the_namesake_of_a_service_account_is_another(api: Any) -> None:
    """Whoever deletes a service account and makes it anew has another one, by its `uid`."""
    others = {"namespace": "payments", "serviceaccount": {"name": "api", "uid": "another"}}

    assert "needs another kubernetes.io" in refused(ask(kubernetes_token(**{"kubernetes.io": others})))


def _forged() -> str:
    return github_token(OTHER_RSA)


def _with_its_kid() -> str:
    head, body, signature = github_token(OTHER_RSA).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"kid": GITHUB_KEY.kid}
    return ".".join((base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("="), body, signature))


def _unsigned() -> str:
    head, body, _ = github_token().split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "none"}
    return ".".join((base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("="), body, ""))


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize(
    "token",
    [_forged, _with_its_kid, _unsigned, lambda: kubernetes_token(GITHUB_KEY), lambda: github_token(KUBERNETES_KEY)],
    ids=["by an unknown key", "with a kid that is known", "alg none", "by the other platform", "and the other way"],
)
def test_what_the_platform_did_not_sign_is_refused(deploy: Any, api: Any, token: Callable[[], str]) -> None:
    assert "cannot be verified" in refused(ask(token()))


@pytest.mark.parametrize("typ", ["at+jwt", "oauth-id-jag+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt"])
def test_what_the_platform_signed_for_another_purpose_is_refused(deploy: Any, typ: str) -> None:
    assert "its type is not" in refused(ask(signed(github(), GITHUB_KEY, typ=typ)))


@pytest.mark.spec("RFC 7523", "3")
def test_an_issuer_that_nobody_trusts_vouches_for_nobody(deploy: Any) -> None:
    reason = refused(ask(github_token(iss="https://token.actions.example")))

    assert "not trusted here" in reason
    assert "https://token.actions.example" in reason


def test_the_same_subject_at_another_trusted_issuer_is_another_workload(settings: Any, deploy: Any) -> None:
    """A GitHub Enterprise Server of somebody else has the same words for its subjects."""
    elsewhere = TrustedIssuer(
        "https://ghes.example/_services/token",
        keys=jwks(OTHER_RSA),
        workloads=(Workload(client_id="elsewhere", subject=f"{REPO}environment:production"),),
    )
    trust(settings, *trusted(), elsewhere)
    workload_client("elsewhere")

    token = github_token(OTHER_RSA, iss=elsewhere.issuer)

    assert "does not match" in ask(token, client_id="deploy").json()["error_description"]
    assert ask(token, client_id="elsewhere").status_code == 200


@pytest.mark.spec("RFC 7521", "4.2")
def test_client_id_names_no_other_client(deploy: Any, api: Any) -> None:
    response = ask(github_token(), client_id="payments-api")

    assert response.json()["error"] == "invalid_request"
    assert "client_id does not match" in response.json()["error_description"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"metadata__token_endpoint_auth_method": "client_secret_basic"}, "registered for client_secret_basic"),
        ({"metadata__token_endpoint_auth_method": "none"}, "registered for none"),
        ({"is_active": False}, "disabled client"),
    ],
    ids=["another method", "a public client", "a disabled client"],
)
def test_the_client_has_to_be_registered_for_it(more: dict[str, Any], reason: str) -> None:
    workload_client("deploy", **more)

    assert reason in refused(ask(github_token()))


def test_a_workload_whose_client_is_not_registered() -> None:
    assert "unknown client, client_id 'deploy'" in refused(ask(github_token()))


def test_a_second_proof_is_refused(deploy: Any) -> None:
    response = ask(github_token(), client_id="deploy", client_secret="guess")

    assert response.json()["error_description"] == "The client used more than one authentication method."


def test_a_client_cannot_sign_for_itself_as_a_workload(deploy: Any) -> None:
    """Its `iss` is its `sub`: that is `private_key_jwt`, for which it has no key."""
    assert "registered for federated_jwt, but used private_key_jwt" in refused(ask(own_assertion(deploy)))


def test_clients_that_sign_for_themselves_do_so_as_ever() -> None:
    client = key_client()

    assert ask(own_assertion(client)).status_code == 200
    assert refused(ask(own_assertion(client, iss="another")))


def test_without_workloads_nothing_is_offered(settings: Any, deploy: Any) -> None:
    trust(settings)

    response = ask(github_token())

    assert response.json()["error_description"] == "The client did not authenticate."
    assert "no method takes its client_assertion" in Refusal.objects.get().reason
    assert "federated_jwt" not in Browser().get(METADATA).content.decode()


def test_metadata_say_where_it_can_be_used() -> None:
    metadata = Browser().get(METADATA).json()

    for endpoint in ("token", "introspection", "revocation"):
        assert "federated_jwt" in metadata[f"{endpoint}_endpoint_auth_methods_supported"]


def test_nobody_registers_it_by_themselves(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "open"}
    document = {"redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "federated_jwt"}

    answer = Browser().post("/oauth/register", json.dumps(document), content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client_metadata"


def test_no_token_is_logged(deploy: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    used, forged = github_token(), _forged()

    ask(used), ask(used), ask(forged)

    assert not any(part in caplog.text for part in (*used.split("."), *forged.split(".")))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_an_issuer_signs_with_the_algorithms_that_the_settings_name(settings: Any, deploy: Any, algorithm: str) -> None:
    pair = SigningKeyPair.generate(algorithm)
    workloads = (Workload(client_id="deploy", subject=Prefix(REPO)),)
    trust(settings, TrustedIssuer(GITHUB, keys=jwks(pair, GITHUB_KEY), algorithms=("RS256",), workloads=workloads))

    assert ask(github_token(pair)).status_code == (200 if algorithm == "RS256" else 401)


def test_an_audience_of_the_deployments_own(settings: Any, api: Any) -> None:
    (workload,) = trusted()[1].workloads
    trust(
        settings,
        TrustedIssuer(KUBERNETES, keys=jwks(KUBERNETES_KEY), audiences=("oauth.payments",), workloads=(workload,)),
    )

    assert ask(kubernetes_token(aud=["oauth.payments"])).status_code == 200
    assert "aud" in refused(ask(kubernetes_token()))


def test_what_it_may_ask_for_is_what_the_client_is_registered_for(deploy: Any) -> None:
    assert ask(github_token(), scope="notes:write").json()["error"] == "invalid_scope"
    ClientFactory(client_id="release")
    assert ask(github_token(sub=f"{REPO}ref:refs/tags/v1", ref_type="tag")).status_code == 401


def test_a_check_names_the_workloads_without_a_client(deploy: Any) -> None:
    workload_client("payments-api", metadata__token_endpoint_auth_method="client_secret_basic")

    found = [one.msg for one in run_checks(databases=["default"]) if one.id == "oauth_server.W019"]

    assert len(found) == 2
    assert "the client payments-api, which is registered for another authentication method" in found[0]
    assert "the client release, which is not registered" in found[1]


def test_a_command_registers_it_by_its_kind() -> None:
    call_command("createclient", "--client-id=deploy", "--kind=workload", "--client-name=Deploy", "--scope=notes:read")

    assert ask(github_token()).status_code == 200
    assert not Client.objects.get().secret_digest


# -- the assertion as a grant ------------------------------------------------------------------------------------------


@pytest.fixture
def job() -> Any:
    return workload_client("deploy", metadata__grant_types=[JWT_BEARER])


def bear(jwt: str, **params: Any) -> Any:
    return post(TOKEN, grant_type=JWT_BEARER, assertion=jwt, **params)


@pytest.mark.spec("RFC 7523", "2.1")
@pytest.mark.parametrize("named", [{}, {"client_id": "deploy"}], ids=["without client_id", "with client_id"])
def test_a_workload_may_present_its_token_as_a_grant_and_acts_for_itself(job: Any, named: dict[str, str]) -> None:
    answer = bear(github_token(), scope="notes:read", **named).json()

    seen = post(INTROSPECT, token=answer["access_token"], **proof(github_token())).json()

    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (seen["sub"], seen["client_id"], seen["scope"]) == ("deploy", "deploy", "notes:read")


def test_as_a_grant_it_is_used_once_as_well(job: Any) -> None:
    token = github_token()

    assert bear(token).status_code == 200
    assert "it was used before" in refused(bear(token))
    assert "it was used before" in refused(ask(token))


def test_as_a_grant_it_is_judged_as_strictly(job: Any) -> None:
    assert "cannot be verified" in refused(bear(_forged()))
    assert "needs another sub" in refused(bear(github_token(sub=f"{REPO}pull_request")))
    assert bear(github_token(), scope="notes:write").json()["error"] == "invalid_scope"


def test_a_client_has_to_be_registered_for_the_grant(deploy: Any) -> None:
    assert bear(github_token()).json()["error"] == "unauthorized_client"


def test_a_workloads_token_lets_no_other_client_act(deploy: Any) -> None:
    """Not one with a secret of its own, nor one that names itself."""
    other = Flow(ClientFactory(metadata__grant_types=[JWT_BEARER]), Browser())

    answer = other.token(grant_type=JWT_BEARER, assertion=github_token())

    assert told(answer)["error"] == "invalid_grant"
    assert told(bear(github_token(), client_id=other.client.client_id))["error"] == "invalid_request"


def test_beside_a_client_assertion_it_is_about_a_person(job: Any) -> None:
    answer = bear(github_token(), **proof(github_token()))

    assert told(answer)["error"] == "invalid_grant"
    assert "not trusted with people" in told(answer)["error_description"]
