"""Where oauthlib is overruled: one test a row of the corrections table."""

from __future__ import annotations

import logging
import sys

import pytest

from django_oauth_server import errors
from django_oauth_server.engine import (
    AuthorizationFacts,
    ClientFacts,
    CodeFacts,
    RefreshFacts,
    judge_authorization_request,
    judge_client_credentials,
    judge_code,
    judge_refresh,
)
from django_oauth_server.engine.corrections import CORRECTIONS
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.pkce import challenge_of
from tests.flow import VERIFIER, Flow, answered

URI = "https://client.example/callback"
CLIENT = ClientFacts(
    client_id="client",
    grant_types=["authorization_code", "refresh_token", "client_credentials"],
    scopes={"notes:read"},
    default_scopes=(),
)
REQUEST = AuthorizationFacts(redirect_uri=URI, require_pkce=False, allow_plain_pkce=False)
CODE = CodeFacts(redirect_uri=URI, redirect_uri_was_sent=True)
BOUND = CodeFacts(
    redirect_uri=URI,
    redirect_uri_was_sent=True,
    code_challenge=challenge_of(VERIFIER),
    code_challenge_method="S256",
)


def asked(**params: str) -> Parameters:
    return Parameters(
        {"response_type": "code", "client_id": "client", "redirect_uri": URI, "scope": "notes:read", **params}.items()
    )


def exchanged(**params: str) -> Parameters:
    return Parameters({"grant_type": "authorization_code", "code": "oas_ac_x", "redirect_uri": URI, **params}.items())


def test_each_correction_has_a_test() -> None:
    here = vars(sys.modules[__name__])
    assert {f"test_{correction.name}" for correction in CORRECTIONS} <= here.keys()


def test_a_sound_request_passes() -> None:
    assert judge_authorization_request(asked(), CLIENT, REQUEST) == ("notes:read",)
    judge_code(exchanged(code_verifier=VERIFIER), CLIENT, BOUND)


@pytest.mark.spec("OAuth 2.1", "4.1.3")
def test_verifier_without_challenge() -> None:
    with pytest.raises(errors.InvalidGrant, match="code_verifier"):
        judge_code(exchanged(code_verifier=VERIFIER), CLIENT, CODE)


@pytest.mark.spec("RFC 7636", "4.2")
@pytest.mark.parametrize("params", [{}, {"code_challenge_method": "plain"}])
def test_plain_is_not_the_default(params: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidRequest, match="S256"):
        judge_authorization_request(asked(code_challenge="x" * 43, **params), CLIENT, REQUEST)


@pytest.mark.spec("RFC 7636", "4.1")
@pytest.mark.parametrize("value", ["x" * 42, "x" * 129, "é" * 43, "x" * 42 + "+", "x" * 43 + "\n"])
def test_challenge_and_verifier_syntax(value: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="code_challenge"):
        judge_authorization_request(asked(code_challenge=value, code_challenge_method="S256"), CLIENT, REQUEST)
    with pytest.raises(errors.InvalidRequest, match="code_verifier"):
        judge_code(exchanged(code_verifier=value), CLIENT, BOUND)


@pytest.mark.spec("RFC 7636", "4.3")
def test_method_without_challenge() -> None:
    with pytest.raises(errors.InvalidRequest, match="code_challenge_method"):
        judge_authorization_request(asked(code_challenge_method="S256"), CLIENT, REQUEST)


@pytest.mark.spec("RFC 6749", "5.2")
def test_redirect_uri_mismatch_is_invalid_grant() -> None:
    with pytest.raises(errors.InvalidGrant, match="redirect_uri"):
        judge_code(exchanged(redirect_uri=f"{URI}/"), CLIENT, CODE)
    with pytest.raises(errors.InvalidGrant, match="redirect_uri"):
        judge_code(exchanged(redirect_uri=""), CLIENT, CODE)


@pytest.mark.spec("RFC 6749", "3.1.1")
@pytest.mark.parametrize("response_type", ["decode", "code id_token", "codetoken"])
def test_response_type_by_substring(flow: Flow, response_type: str) -> None:
    assert answered(flow.authorize(response_type=response_type))["error"] == "unsupported_response_type"


@pytest.mark.spec("RFC 6749", "3.3")
def test_no_scope_at_all() -> None:
    with pytest.raises(errors.InvalidScope):
        judge_authorization_request(asked(scope=""), CLIENT, REQUEST)
    with pytest.raises(errors.InvalidScope):
        judge_client_credentials(Parameters([("grant_type", "client_credentials")]), CLIENT)


@pytest.mark.spec("RFC 6749", "3.2")
@pytest.mark.parametrize("name", ["user", "client", "scopes", "facts", "_params", "duplicate_params", "headers"])
def test_server_state_from_the_wire(name: str) -> None:
    assert judge_authorization_request(asked(**{name: "mallory"}), CLIENT, REQUEST) == ("notes:read",)


@pytest.mark.spec("OAuth 2.1", "1.4")
def test_secrets_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request = Parameters([("grant_type", "refresh_token"), ("refresh_token", "oas_rt_secret")])
    judge_refresh(request, CLIENT, RefreshFacts(scopes={"notes:read"}))
    with pytest.raises(errors.InvalidGrant):
        judge_refresh(request, CLIENT, RefreshFacts(refusal="unknown token"))
    assert "oas_rt_secret" not in caplog.text
