"""Password and implicit: off, unless a deployment takes the legacy profile (RFC 9700 sections 2.1.2 and 2.4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.signals import user_login_failed
from django.core.checks import run_checks
from django.test import Client as Browser

from django_oauth_server.models import Authorization
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db

OLD = {
    "metadata__grant_types": ["password", "implicit", "authorization_code"],
    "metadata__response_types": ["token", "code"],
}


@pytest.fixture
def legacy(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}


@pytest.fixture
def old(browser: Browser) -> Flow:
    return Flow(ClientFactory(**OLD), browser)


def sign_in(flow: Flow, user: Any, **params: Any) -> Any:
    request = {"grant_type": "password", "username": user.username, "password": "password", "scope": "notes:read"}
    return flow.token(**(request | params))


def test_the_password_grant_is_off(old: Flow, user: Any) -> None:
    assert sign_in(old, user).json()["error"] == "unsupported_grant_type"


def test_implicit_is_off(old: Flow) -> None:
    assert answered(old.authorize(response_type="token"))["error"] == "unsupported_response_type"


@pytest.mark.usefixtures("legacy")
@pytest.mark.spec("RFC 6749", "4.3")
def test_the_password_grant(old: Flow, user: Any) -> None:
    assert sign_in(old, user).json()["scope"] == "notes:read"


@pytest.mark.usefixtures("legacy")
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"username": "nobody"}, "invalid_grant"),
        ({"password": None}, "invalid_request"),
        ({"username": None}, "invalid_request"),
        ({"scope": "unknown"}, "invalid_scope"),
    ],
)
def test_the_password_grants_refusals(old: Flow, user: Any, params: dict[str, Any], error: str) -> None:
    assert sign_in(old, user, **params).json()["error"] == error


@pytest.mark.spec("RFC 6749", "4.3.2")
@pytest.mark.usefixtures("legacy")
def test_guesses_beyond_the_limit_are_not_looked_at(old: Flow, user: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"redemption": "3/h"}}
    judged: list[str] = []

    def note(sender: object, credentials: dict[str, str], **_: object) -> None:
        judged.append(credentials["username"])

    user_login_failed.connect(note)
    try:
        statuses = [sign_in(old, user, password="wrong").status_code for _ in range(6)]
    finally:
        user_login_failed.disconnect(note)
    assert (statuses, len(judged)) == ([400, 400, 400, 429, 429, 429], 3)
    right = sign_in(old, user)
    assert (right.status_code, right.json()["error"]) == (429, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"resource": "https://api.example/mail"}, "invalid_target"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"password": "wrong"}, "invalid_grant"),
    ],
)
@pytest.mark.usefixtures("legacy")
def test_a_refused_password_request_leaves_no_consent(old: Flow, user: Any, params: dict[str, Any], error: str) -> None:
    assert sign_in(old, user, **params).json()["error"] == error
    assert not Authorization.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("legacy")
def test_what_others_write_down_of_a_failed_sign_in_stays() -> None:
    """As apps do that lock out who guesses."""
    flow, person = Flow(ClientFactory(**OLD), Browser()), UserFactory()

    def note(**_: object) -> None:
        UserFactory(username="noted")

    user_login_failed.connect(note)
    try:
        assert sign_in(flow, person, password="wrong").status_code == 400
    finally:
        user_login_failed.disconnect(note)
    assert type(person).objects.filter(username="noted").exists()


@pytest.mark.usefixtures("legacy")
def test_a_disabled_person_gets_nothing(old: Flow) -> None:
    assert sign_in(old, UserFactory(is_active=False)).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("legacy")
@pytest.mark.spec("RFC 6749", "4.2.2")
def test_implicit_answers_in_the_fragment(old: Flow) -> None:
    response = old.decide(old.authorize(response_type="token", code_challenge=None, code_challenge_method=None))
    assert "?" not in response["Location"]
    answer = answered(response)
    assert answer["token_type"] == "Bearer"
    assert "refresh_token" not in answer
    assert old.is_active(answer["access_token"])


@pytest.mark.usefixtures("legacy")
def test_a_token_never_travels_in_a_query(old: Flow) -> None:
    response = old.authorize(response_type="token", response_mode="query")
    assert answered(response)["error"] == "invalid_request"
    assert "#error=" in response["Location"]


@pytest.mark.usefixtures("legacy")
def test_a_client_that_is_bound_to_oauth2_1_may_use_neither(old: Flow, user: Any) -> None:
    type(old.client).objects.update(profile="oauth2_1")
    assert sign_in(old, user).json()["error"] == "unauthorized_client"
    assert answered(old.authorize(response_type="token"))["error"] == "unsupported_response_type"
    assert answered(old.authorize(code_challenge=None, code_challenge_method=None))["error"] == "invalid_request"


def test_the_system_check_names_each_risk(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "off"}
    assert not [message for message in run_checks() if message.id.startswith("oauth_server")]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    found = {message.id: message.msg for message in run_checks() if message.id.startswith("oauth_server")}
    assert set(found) == {"oauth_server.W001", "oauth_server.W002", "oauth_server.W004", "oauth_server.W005"}
    assert "implicit" in found["oauth_server.W001"]
    assert "password" in found["oauth_server.W002"]
