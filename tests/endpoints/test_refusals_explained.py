"""A refusal says which parameter to mend; the log says to operators why, and who asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_oauth_server.models import Ticket
from tests.factories import ClientFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db
OTHER_VERIFIER = "w" * 43


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize(
    ("params", "told", "logged"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "code_challenge is missing", "code_challenge"),
        ({"scope": None}, "scope is missing", "scope is missing"),
        (
            {"scope": "notes:read nothing"},
            "scope asks for nothing, which this server does not offer",
            "asks for nothing",
        ),
        ({"resource": "https://nowhere.example"}, "The parameter resource", "resource 'https://nowhere.example'"),
    ],
)
def test_at_the_authorization_endpoint(
    flow: Flow, params: dict[str, Any], told: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert told in answered(flow.authorize(**params))["error_description"]
    assert logged in caplog.text and f", client_id {flow.client.client_id!r}" in caplog.text


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize(
    ("params", "told", "logged"),
    [
        ({"code": "oas_ac_unknown"}, "The parameter code is unknown, expired", "unknown code"),
        ({"code_verifier": None}, "The parameter code_verifier is missing.", "code_verifier is missing, client_id"),
        ({"code_verifier": OTHER_VERIFIER}, "code_verifier does not fit", "code_verifier does not fit"),
    ],
)
def test_at_the_token_endpoint(
    flow: Flow, params: dict[str, Any], told: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = flow.exchange(flow.code(), **params)
    assert answer.status_code == 400 and told in answer.json()["error_description"]
    assert logged in caplog.text and f"client_id {flow.client.client_id!r}" in caplog.text


def test_another_clients_code_and_one_that_is_too_old_differ_in_the_log_alone(
    flow: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    code = flow.code()
    stranger = Flow(ClientFactory(), flow.browser).exchange(code, redirect_uri=flow.redirect_uri)
    Ticket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert flow.exchange(code).json() == stranger.json()
    assert "another client's code" in caplog.text and "expired code" in caplog.text
    assert code not in caplog.text


def test_a_refresh_token_that_is_worth_nothing(flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    answer = flow.refresh("oas_rt_nothing")
    assert answer.json()["error_description"].startswith("The parameter refresh_token is unknown")
    assert "unknown refresh token" in caplog.text


def test_a_refresh_for_more_than_was_allowed(flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    tokens = flow.exchange(flow.code(scope="notes:read")).json()
    assert flow.refresh(tokens["refresh_token"], scope="notes:write").json()["error"] == "invalid_scope"
    assert "asks for notes:write" in caplog.text
