"""Attacks on steps (A) and (B): on the person's consent, and on where the browser is sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client as Browser

from django_oauth_server.models import Authorization, Ticket
from tests.factories import ClientFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db

MAIL = "https://api.example/mail"


@pytest.mark.spec("RFC 9700", "4.11.2")
@pytest.mark.parametrize("mistake", [{"scope": "unknown"}, {"response_type": "bogus"}, {"code_challenge": None}])
def test_a_stranger_is_asked_to_sign_in_before_an_error_sends_the_browser_away(
    user: Any, mistake: dict[str, Any]
) -> None:
    flow = Flow(ClientFactory(), Browser())
    sign_in = flow.authorize(**mistake)
    assert sign_in["Location"].startswith("/accounts/login/?next=/oauth/authorize")
    flow.browser.force_login(user)
    assert "error" in answered(flow.authorize(**mistake))


@pytest.mark.spec("RFC 9700", "4.11.2")
def test_a_silent_request_is_answered_without_a_question() -> None:
    assert (
        answered(Flow(ClientFactory(), Browser()).authorize(prompt="none", scope="unknown"))["error"] == "invalid_scope"
    )


@pytest.mark.spec("OAuth 2.1", "2.4.1")
@pytest.mark.parametrize("secret", ["client_secret", "code_verifier", "refresh_token", "password", "token"])
def test_a_secret_sent_to_the_wrong_endpoint_is_neither_kept_nor_carried_on(flow: Flow, secret: str) -> None:
    assert flow.authorize(**{secret: "a-secret-out-of-place"}).status_code == 200
    assert "a-secret-out-of-place" not in str(Ticket.objects.values_list("payload"))
    flow.browser.logout()
    assert "a-secret-out-of-place" not in flow.authorize(**{secret: "a-secret-out-of-place"})["Location"]


@pytest.mark.spec("RFC 9700", "2.6")
def test_an_address_that_was_registered_under_legacy_is_not_used_once_the_policy_is_tighter(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__redirect_uris=["http://client.example/callback"]), browser)
    for params in ({}, {"redirect_uri": None}):
        refused = flow.authorize(**params)
        assert refused.status_code == 400
        assert "Location" not in refused


@pytest.mark.spec("OAuth 2.1", "2.3")
def test_an_address_that_runs_code_is_never_used_however_it_came_into_the_table(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__redirect_uris=["javascript:alert(1)//"]), browser)
    for mode in ("query", "fragment", "form_post"):
        assert flow.authorize(response_mode=mode, scope="unknown").status_code == 400


@pytest.mark.spec("OAuth 2.1", "7.9")
def test_what_is_allowed_is_what_was_shown(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ("notes:read", "notes:write")}
    flow.client.metadata["scope"] = "notes:read"
    flow.client.save()
    page = flow.authorize(scope=None)
    flow.client.metadata["scope"] = "notes:read notes:write"
    flow.client.save()
    code = answered(flow.decide(page))["code"]
    assert flow.exchange(code).json()["scope"] == "notes:read"


@pytest.mark.spec("RFC 8707", "2")
def test_consent_for_one_api_is_none_for_the_default_one(flow: Flow) -> None:
    flow.code(resource=MAIL)
    assert flow.authorize().status_code == 200
    flow.decide(flow.authorize())
    assert "code" in answered(flow.authorize())
    assert "code" in answered(flow.authorize(resource="https://as.example"))


def test_a_page_of_one_issuer_answers_nothing_at_another(flow: Flow, second: str) -> None:
    twin = ClientFactory(issuer=second, client_id=flow.client.client_id)
    page = flow.authorize()
    handle = page.content.decode().split('name="interaction" value="')[1].split('"')[0]
    token = page.content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    answer = flow.browser.post(
        "/second/oauth/authorize/decision", {"interaction": handle, "decision": "allow", "csrfmiddlewaretoken": token}
    )
    assert answer.status_code == 400
    assert not Authorization.objects.filter(client=twin).exists()


def test_a_user_model_that_tells_of_no_password_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_oauth_server.checks.get_user_model", lambda: Ticket)
    assert "oauth_server.E006" in {message.id for message in run_checks()}
