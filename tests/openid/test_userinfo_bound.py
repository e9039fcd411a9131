"""The UserInfo endpoint is a protected resource: a bound token opens it with a proof of its key (RFC 9449 section 7)."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.testing.proofs import DPoPKey
from tests.flow import USERINFO, Flow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("openid_connect")]

URL = f"https://as.example{USERINFO}"
TOKEN = "https://as.example/oauth/token"


@pytest.fixture(params=["opaque", "at+jwt"])
def bound(request: pytest.FixtureRequest, rp: Flow, relying_party: Any) -> tuple[str, DPoPKey]:
    relying_party.access_token_format = request.param
    relying_party.save()
    key = DPoPKey()
    answer = rp.exchange(rp.code(scope="openid"), headers={"DPoP": key.proof("POST", TOKEN)}).json()
    assert answer["token_type"] == "DPoP"
    return answer["access_token"], key


def ask(token: str, proof: str = "", *, scheme: str = "DPoP", method: str = "GET") -> HttpResponse:
    headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
    return Browser().generic(method, USERINFO, headers=headers)


@pytest.mark.spec("RFC 9449", "7.1")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_proof_of_its_key_opens_it_once(bound: tuple[str, DPoPKey], method: str) -> None:
    token, key = bound
    proof = key.proof(method, URL, token)
    assert ask(token, proof, method=method).json()["sub"]
    again = ask(token, proof, method=method)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")
    assert again["WWW-Authenticate"].startswith('DPoP realm="userinfo", error="invalid_dpop_proof"')


@pytest.mark.spec("RFC 9449", "7.2")
def test_as_a_bearer_token_it_opens_nothing(bound: tuple[str, DPoPKey]) -> None:
    token, key = bound
    answer = ask(token, key.proof("GET", URL, token), scheme="Bearer")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    form = Browser().post(USERINFO, {"access_token": token}, headers={"DPoP": key.proof("POST", URL, token)})
    assert form.status_code == 401


@pytest.mark.spec("RFC 9449", "4.3")
def test_a_proof_of_something_else_opens_nothing(bound: tuple[str, DPoPKey]) -> None:
    token, key = bound
    for proof in (
        "",
        key.proof("POST", URL, token),
        key.proof("GET", TOKEN, token),
        key.proof("GET", URL, "another"),
        key.proof("GET", URL),
    ):
        assert ask(token, proof).json()["error"] == "invalid_dpop_proof"
    assert ask(token, DPoPKey().proof("GET", URL, token)).json()["error"] == "invalid_token"


@pytest.mark.spec("RFC 9449", "7.1")
def test_a_bearer_token_is_no_dpop_token(rp: Flow) -> None:
    token, key = rp.tokens(scope="openid")["access_token"], DPoPKey()
    assert ask(token, key.proof("GET", URL, token)).json()["error"] == "invalid_token"
    assert ask(token, scheme="Bearer").status_code == 200


@pytest.mark.spec("RFC 9449", "9")
def test_a_nonce_may_be_required(bound: tuple[str, DPoPKey], settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"dpop": {"nonces": "required"}}
    token, key = bound
    refused = ask(token, key.proof("GET", URL, token))
    assert (refused.status_code, refused.json()["error"]) == (401, "use_dpop_nonce")
    assert "DPoP-Nonce" in refused["Access-Control-Expose-Headers"]
    key.nonce = refused["DPoP-Nonce"]
    answer = ask(token, key.proof("GET", URL, token))
    assert (answer.status_code, bool(answer["DPoP-Nonce"])) == (200, True)


def test_scripts_may_send_proofs() -> None:
    answer = Browser().options(USERINFO, headers={"Origin": "https://app.example"})
    assert "DPoP" in answer["Access-Control-Allow-Headers"]
    assert 'DPoP realm="userinfo"' in Browser().get(USERINFO)["WWW-Authenticate"]
