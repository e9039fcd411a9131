"""Steps (C) and (D) with an authorization code."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauth_server.models import Ticket, Token
from django_oauth_server.protocol.basic import format_basic
from tests.factories import ClientFactory
from tests.flow import VERIFIER, Flow

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 6749", "5.1")
@pytest.mark.requirement(28)
def test_a_code_buys_an_access_and_a_refresh_token(flow: Flow) -> None:
    response = flow.exchange(flow.code())
    body = response.json()
    assert response["Cache-Control"] == "no-store"
    assert response["Pragma"] == "no-cache"
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert body["scope"] == "notes:read notes:write"
    assert body["access_token"].startswith("oas_at_")
    assert body["refresh_token"].startswith("oas_rt_")


def test_a_client_without_the_refresh_token_grant_gets_none(browser: Any) -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["authorization_code"]), browser)
    assert "refresh_token" not in flow.tokens()


@pytest.mark.spec("RFC 7636", "4.6")
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"code": None}, "invalid_request"),
        ({"code": "oas_ac_unknown"}, "invalid_grant"),
        ({"code": "x" * 10_000}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": "é" * 43}, "invalid_request"),
        ({"redirect_uri": "https://client.example/other"}, "invalid_grant"),
        ({"resource": "https://api.example/mail"}, "invalid_target"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"code": ["a", "b"]}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "nonsense"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_failed_attempt_does_not_burn_the_code(flow: Flow, params: dict[str, Any], error: str) -> None:
    code = flow.code()
    refused = flow.exchange(code, **params)
    assert refused.status_code == 400
    assert refused.json()["error"] == error
    assert not Token.objects.exists()
    assert flow.exchange(code).status_code == 200


def test_another_clients_attempt_does_not_burn_the_code(flow: Flow, browser: Any) -> None:
    code = flow.code()
    other = Flow(ClientFactory(), browser)
    assert other.exchange(code).json()["error"] == "invalid_grant"
    assert flow.exchange(code).status_code == 200


@pytest.mark.spec("RFC 9700", "4.8.2")
def test_a_verifier_for_a_code_without_a_challenge_is_refused(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    code = flow.code(code_challenge=None, code_challenge_method=None)
    assert flow.exchange(code).json()["error"] == "invalid_grant"
    assert flow.exchange(code, code_verifier=None).status_code == 200


@pytest.mark.spec("RFC 6749", "4.1.3")
def test_without_pkce_the_redirect_uri_must_be_repeated(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    code = flow.code(code_challenge=None, code_challenge_method=None)
    assert flow.exchange(code, code_verifier=None, redirect_uri=None).json()["error"] == "invalid_grant"
    assert flow.exchange(code, code_verifier=None).status_code == 200


def test_plain_pkce_is_for_the_legacy_profile(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    code = flow.code(code_challenge=VERIFIER, code_challenge_method=None)
    assert flow.exchange(code).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.1.3")
@pytest.mark.requirement(27)
def test_a_replayed_code_is_refused_and_what_it_bought_is_taken_back(flow: Flow) -> None:
    code = flow.code()
    bought = flow.exchange(code).json()
    assert flow.exchange(code).json()["error"] == "invalid_grant"
    assert not flow.is_active(bought["access_token"])
    assert flow.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.spec("OAuth 2.1", "7.5.2")
@pytest.mark.parametrize(
    "wrong", [{"code_verifier": "x" * 43}, {"code_verifier": None}, {"redirect_uri": "https://client.example/x"}]
)
def test_a_replay_that_proves_nothing_ends_nobodys_session(flow: Flow, wrong: dict[str, Any]) -> None:
    code = flow.code()
    bought = flow.exchange(code).json()
    assert flow.exchange(code, **wrong).status_code == 400
    assert flow.is_active(bought["access_token"])


def test_a_replay_by_another_client_ends_nobodys_session(flow: Flow, browser: Any) -> None:
    code = flow.code()
    bought = flow.exchange(code).json()
    Flow(ClientFactory(), browser).exchange(code)
    assert flow.is_active(bought["access_token"])


def test_a_replay_takes_back_what_was_refreshed_too(flow: Flow) -> None:
    code = flow.code()
    refreshed = flow.refresh(flow.exchange(code).json()["refresh_token"]).json()
    flow.exchange(code)
    assert not flow.is_active(refreshed["access_token"])


@pytest.mark.requirement(27)
def test_a_replay_takes_back_what_it_bought_however_late(flow: Flow) -> None:
    code = flow.code()
    bought = flow.exchange(code).json()
    Ticket.objects.update(expires_at=Ticket.objects.latest("pk").created_at)
    assert flow.exchange(code, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert flow.is_active(bought["access_token"])
    assert flow.exchange(code).json()["error"] == "invalid_grant"
    assert not flow.is_active(bought["access_token"])


@pytest.mark.spec("OAuth 2.1", "7.5.2")
@pytest.mark.parametrize("client", [{"public": True}, {"access_token_format": "at+jwt"}])
def test_a_replay_takes_back_whatever_the_client_and_the_format(browser: Any, client: dict[str, Any]) -> None:
    flow = Flow(ClientFactory(**client), browser)
    code = flow.code()
    bought = flow.exchange(code).json()
    flow.exchange(code)
    assert Token.objects.filter(revoked_at=None).count() == 0
    assert flow.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_replay_leaves_the_persons_other_sign_ins_alone(flow: Flow) -> None:
    code, other = flow.code(), flow.tokens()
    flow.exchange(code)
    flow.exchange(code)
    assert flow.is_active(other["access_token"])
    assert flow.refresh(other["refresh_token"]).status_code == 200


@pytest.mark.spec("OAuth 2.1", "7.5.2")
@pytest.mark.parametrize("proof", [None, "wrong", "Basic !"])
def test_who_cannot_prove_to_be_the_client_neither_burns_nor_takes_back(flow: Flow, proof: str | None) -> None:
    proof = format_basic(flow.client.client_id, "wrong") if proof == "wrong" else proof
    code = flow.code()
    assert flow.exchange(code, authorization=proof).json()["error"] == "invalid_client"
    bought = flow.exchange(code).json()
    assert flow.exchange(code, authorization=proof).json()["error"] == "invalid_client"
    assert flow.is_active(bought["access_token"])


def test_an_expired_code_is_refused(flow: Flow) -> None:
    code = flow.code()
    Ticket.objects.update(expires_at=Ticket.objects.latest("pk").created_at)
    assert flow.exchange(code).json()["error"] == "invalid_grant"


@pytest.mark.spec("RFC 8707", "2.2")
def test_the_access_token_is_for_the_resource_asked_for_now(flow: Flow) -> None:
    both = ["https://api.example/notes", "https://api.example/mail"]
    code = flow.code(resource=both)
    bought = flow.exchange(code, resource="https://api.example/mail").json()
    assert flow.introspect(bought["access_token"])["aud"] == ["https://api.example/mail"]
    again = flow.refresh(bought["refresh_token"]).json()
    assert flow.introspect(again["access_token"])["aud"] == both


def test_public_clients_exchange_with_pkce_alone(browser: Any) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    assert flow.tokens()["refresh_token"]
