"""A refusal says which parameter to mend; the log says to operators why, and who asked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Ticket
from tests.factories import ClientFactory
from tests.flow import Flow, answered, told

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
        ({"code_verifier": OTHER_VERIFIER}, "code_verifier does not match", "code_verifier does not match"),
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
    assert told(flow.exchange(code)) == told(stranger)
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


@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/register"])
def test_a_refusal_has_the_reference_by_which_an_operator_finds_it(
    db: None, endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Browser().post(endpoint, "x=y", content_type="application/x-www-form-urlencoded").json()
    assert re.fullmatch(r"[0-9A-F]{8}", answer["error_reference"])
    assert f"[{answer['error_reference']}]" in caplog.text


JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
PLACES = (
    *(
        {name: JWT}
        for name in ("grant_type", "client_id", "code", "refresh_token", "scope", "resource", "redirect_uri")
    ),
    *(
        {name: JWT}
        for name in ("response_type", "response_mode", "prompt", "max_age", "code_challenge_method", "request")
    ),
    {"client_id": f"Bearer {JWT}"},
    {"client_assertion": JWT, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
)


@pytest.mark.parametrize("sent", PLACES, ids=lambda sent: next(iter(sent)))
def test_no_jwt_is_logged_whole_wherever_it_is_sent(
    flow: Flow, sent: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"client_id": flow.client.client_id, "redirect_uri": flow.redirect_uri, "response_type": "code"} | sent
    for endpoint in ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/authorize", "/oauth/end-session"):
        exchange = {"grant_type": "client_credentials", "token": JWT, "id_token_hint": JWT} | asked
        Browser().post(endpoint, urlencode(exchange), content_type="application/x-www-form-urlencoded")
    flow.browser.get("/oauth/authorize", asked)
    flow.browser.get(f"/oauth/register/{JWT}", headers={"Authorization": f"Bearer {JWT}"})
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("django_oauth_server")]
    assert ours
    assert not [line for line in ours if JWT in line]


def test_what_is_logged_of_a_request_is_bounded(db: None, caplog: pytest.LogCaptureFixture) -> None:
    for value in ("x" * 60_000, "x " * 20_000):
        form = urlencode({"grant_type": value, "client_id": "x"})
        Browser().post("/oauth/token", form, content_type="application/x-www-form-urlencoded")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("django_oauth_server")]
    assert len(lines) == 2
    assert max(map(len, lines)) < 1200
    assert all(re.search(r"\[[0-9A-F]{8}\]$", line) for line in lines)


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize(("registered_by", "leads_back"), [("operator", True), ("itself", False)])
def test_the_page_leads_back_to_an_app_that_an_operator_registered(registered_by: str, leads_back: bool) -> None:
    client = ClientFactory(registered_by=registered_by, metadata__client_uri="https://notebook.example/")
    page = Browser().get("/oauth/authorize", {"client_id": client.client_id, "redirect_uri": "https://evil.example/"})
    html = page.content.decode()
    assert page.status_code == 400 and '<code translate="no">redirect_uri</code> has a value that is not' in html
    assert ('href="https://notebook.example/"' in html) is leads_back and "evil.example" not in html
