"""The policy of the page about security: what the FAPI 2.0 Security Profile asks for, composed of what there is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Ticket
from django_oauth_server.protocol.jose import SigningKeyPair, unverified
from django_oauth_server.testing.proofs import DPoPKey
from tests.assertions import assertion, key_client, proof
from tests.docs.pages import DOCS
from tests.dpop.prover import Prover
from tests.factories import ClientFactory
from tests.flow import USERINFO, Flow, answered, told
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db

SPEC = "FAPI 2.0 Security Profile"
PAR = "https://as.example/oauth/par"
RSA = SigningKeyPair.generate("RS256")


@pytest.fixture(params=["issuer", "client"])
def bound(request: pytest.FixtureRequest, settings: Any) -> str:
    """The profile of clients, where the policy is theirs alone, or the issuer's."""
    page = (DOCS / "security.md").read_text(encoding="utf-8")
    (code,) = [code for code in re.findall(r"^```python\n(.*?)^```", page, re.S | re.M) if "FAPI2" in code]
    written: dict[str, Any] = {}
    exec(code, written)
    plain = settings.OAUTH_SERVER | {"signing_algs": ["ES256", "RS256"]}
    said = {"policies": [written["FAPI2"]]} | ({"profile": "fapi2"} if request.param == "issuer" else {})
    settings.OAUTH_SERVER = plain | said
    return "" if request.param == "issuer" else "fapi2"


class Bank(Pushing):
    """A client that does all that is asked of it."""

    def __init__(self, bound: str, browser: Browser) -> None:
        grants = ["authorization_code", "refresh_token", "client_credentials"]
        super().__init__(key_client(profile=bound, metadata__grant_types=grants), browser)
        self.prover = Prover()

    def asserted(self, **params: Any) -> dict[str, Any]:
        return {"authorization": None, **proof(assertion(self.client)), **params}

    def code_by_push(self, **params: Any) -> str:
        pushed = self.asserted(scope="openid notes:read", headers=self.prover.headers(url=PAR), **params)
        return self.done(self.reference(**pushed))["code"]

    def buy(self, code: str, **more: Any) -> HttpResponse:
        return self.exchange(code, **(self.asserted(headers=self.prover.headers()) | more))


@pytest.fixture
def bank(bound: str, browser: Browser, user: Any) -> Bank:
    return Bank(bound, browser)


@pytest.mark.requirement(57)
@pytest.mark.spec(SPEC, "5.3.2")
def test_who_does_all_that_is_asked_gets_a_bound_token(bank: Bank) -> None:
    answer = bank.buy(bank.code_by_push()).json()
    assert answer["token_type"] == "DPoP"
    assert unverified(answer["id_token"])[0]["alg"] == "ES256"
    form = bank.asserted(headers=bank.prover.headers(), refresh_token=answer["refresh_token"])
    assert bank.token(grant_type="refresh_token", **form).json()["token_type"] == "DPoP"


@pytest.mark.requirement(51)
@pytest.mark.spec(SPEC, "5.3.2.2")
def test_a_request_that_is_not_pushed_is_refused(bank: Bank) -> None:
    assert answered(bank.authorize(scope="notes:read"))["error"] == "invalid_request"


@pytest.mark.requirement(51)
@pytest.mark.spec(SPEC, "5.3.2.2")
def test_a_redirect_uri_is_needed_also_where_the_client_has_but_one(bank: Bank) -> None:
    response = bank.push(**bank.asserted(scope="notes:read", redirect_uri=None))
    assert response.status_code == 400
    assert response.json()["error_description"] == "The parameter redirect_uri is missing."


@pytest.mark.requirement(57)
@pytest.mark.spec(SPEC, "5.3.2.1")
def test_a_token_is_not_its_bearers(bank: Bank) -> None:
    assert "error" in bank.buy(bank.code_by_push(), headers={}).json()
    own = bank.asserted(grant_type="client_credentials", scope="notes:read")
    assert "error" in bank.token(**own).json()
    assert bank.token(**own | bank.asserted(headers=bank.prover.headers())).json()["token_type"] == "DPoP"


@pytest.mark.spec(SPEC, "5.3.2.1")
@pytest.mark.parametrize("public", [False, True])
def test_secrets_and_public_clients_are_refused(bound: str, browser: Browser, public: bool) -> None:
    pushing = Pushing(ClientFactory(profile=bound, public=public), browser)
    assert told(pushing.push())["error"] == "invalid_client"


@pytest.mark.spec(SPEC, "5.4.1")
def test_other_algorithms_are_refused(bound: str, browser: Browser, user: Any) -> None:
    client = key_client(RSA, profile=bound, metadata__grant_types=["authorization_code", "client_credentials"])
    flow = Flow(client, browser)
    form = {"grant_type": "client_credentials", "scope": "notes:read", "authorization": None}
    refused = flow.token(**form, **proof(assertion(client, RSA)), headers=Prover().headers())
    assert told(refused)["error"] == "invalid_client"
    good = key_client(profile=bound)
    refused = Flow(good, browser).token(**form, **proof(assertion(good)), headers=Prover("RS256").headers())
    assert told(refused)["error"] == "invalid_dpop_proof"


@pytest.mark.requirement(53)
@pytest.mark.spec(SPEC, "5.3.2.2")
@pytest.mark.parametrize("response_type", ["token", "code id_token", "code token"])
def test_other_response_types_are_refused(bank: Bank, response_type: str) -> None:
    refused = bank.push(**bank.asserted(response_type=response_type, headers=bank.prover.headers(url=PAR)))
    assert told(refused)["error"] == "unsupported_response_type"


@pytest.mark.requirement(52)
@pytest.mark.spec(SPEC, "5.3.2.2")
@pytest.mark.parametrize(
    "challenge",
    [{"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}],
    ids=["none", "plain"],
)
def test_a_challenge_is_needed_and_is_a_digest(bank: Bank, challenge: dict[str, Any]) -> None:
    refused = bank.push(**bank.asserted(**challenge, headers=bank.prover.headers(url=PAR)))
    assert told(refused)["error"] == "invalid_request"


@pytest.mark.requirement(56)
@pytest.mark.spec(SPEC, "5.3.2.1")
def test_a_code_lives_for_a_minute_whatever_the_issuer_says(bank: Bank, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"code_lifetime": timedelta(minutes=5)}
    code = bank.code_by_push()
    ticket = Ticket.objects.get(kind=Ticket.Kind.AUTHORIZATION_CODE)
    assert ticket.expires_at - timezone.now() <= timedelta(seconds=60)
    Ticket.objects.update(expires_at=timezone.now())
    assert told(bank.buy(code))["error"] == "invalid_grant"


@pytest.mark.requirement(59)
@pytest.mark.spec(SPEC, "5.3.2.1")
def test_a_refresh_token_still_works_when_the_answer_was_lost(bank: Bank) -> None:
    refresh_token = bank.buy(bank.code_by_push()).json()["refresh_token"]
    for _ in range(2):
        form = bank.asserted(headers=bank.prover.headers(), refresh_token=refresh_token)
        assert bank.token(grant_type="refresh_token", **form).json()["token_type"] == "DPoP"


@pytest.mark.parametrize("bound", ["issuer"], indirect=True)
def test_the_metadata_says_all_of_it(bound: str) -> None:
    offered = Browser().get("/.well-known/oauth-authorization-server").json()
    assert offered["require_pushed_authorization_requests"] is True
    assert offered["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert offered["response_types_supported"] == ["code", "none"]
    for name, algs in offered.items():
        if name.endswith("signing_alg_values_supported"):
            assert set(algs) <= {"PS256", "ES256", "EdDSA", "Ed25519"}, name


@pytest.mark.spec(SPEC, "5.4.1")
def test_a_proof_by_another_algorithm_opens_no_userinfo(bank: Bank, settings: Any) -> None:
    """The key is known by its thumbprint, which does not say with which algorithm it signs."""
    key = DPoPKey("PS256")
    bank.prover.pair = key._pair
    token = bank.buy(bank.code_by_push()).json()["access_token"]

    def ask() -> HttpResponse:
        proof = key.proof("GET", f"https://as.example{USERINFO}", token)
        return Browser().get(USERINFO, headers={"Authorization": f"DPoP {token}", "DPoP": proof})

    assert ask().json()["sub"]
    key._pair = SigningKeyPair(key._pair.key, "RS256", key._pair.kid)
    assert (ask().status_code, ask().json()["error"]) == (401, "invalid_dpop_proof")
