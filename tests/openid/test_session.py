"""When and how somebody signed in, read from the session as Django, django-allauth and django-otp write it (OpenID Connect Core section 2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client as Browser
from django.test import RequestFactory

from django_oauth_server.authorization.session import Authentication, authentication, session_id
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow
from tests.openid.conftest import read

pytestmark = pytest.mark.django_db
MODEL_BACKEND = {"_auth_user_backend": "django.contrib.auth.backends.ModelBackend"}
PASSWORD = {"method": "password", "at": 1000.5, "username": "ada"}
TOTP = {"method": "mfa", "type": "totp", "at": 1010.0}
PASSKEY = {"method": "mfa", "type": "webauthn", "at": 1010.0, "passwordless": True}


@pytest.mark.parametrize(
    ("session", "at", "methods"),
    [
        ({}, None, ()),
        (MODEL_BACKEND, None, ("pwd",)),
        ({"oauth_server": {"auth_time": 900.25}, **MODEL_BACKEND}, 900.25, ("pwd",)),
        ({"account_authentication_methods": [PASSWORD]}, 1000.5, ("pwd",)),
        ({"account_authentication_methods": [PASSWORD, TOTP]}, 1010.0, ("pwd", "otp", "mfa")),
        ({"account_authentication_methods": [PASSKEY]}, 1010.0, ("pop",)),
        ({"account_authentication_methods": [{"method": "socialaccount", "at": 5}]}, 5.0, ()),
        ({"otp_device_id": "x.1", **MODEL_BACKEND}, None, ("pwd", "otp", "mfa")),
        ({"account_authentication_methods": "junk", "oauth_server": "junk"}, None, ()),
        ({"account_authentication_methods": [3, {"method": None, "at": "x"}]}, None, ()),
    ],
)
def test_what_the_session_says(session: dict[str, Any], at: float | None, methods: tuple[str, ...]) -> None:
    request = RequestFactory().get("/")
    request.session = session  # type: ignore[assignment]
    expected = datetime.fromtimestamp(at, UTC) if at is not None else None
    assert authentication(request) == Authentication(expected, methods)


def test_another_person_has_another_session(browser: Browser, user: Any) -> None:
    first = browser.session["oauth_server"]["sid"]
    browser.force_login(user)
    assert browser.session["oauth_server"]["sid"] == first
    browser.force_login(UserFactory())
    assert browser.session["oauth_server"]["sid"] != first


def test_the_sid_says_nothing_of_the_session_key(browser: Browser) -> None:
    assert browser.session.session_key not in browser.session["oauth_server"]["sid"]


def test_a_request_without_a_session_has_no_sid() -> None:
    request = RequestFactory().get("/")
    request.session = {}  # type: ignore[assignment]
    assert session_id(request) == ""


def test_relying_parties_cannot_compare_the_sessions_that_they_are_told_of(flow: Flow, browser: Browser) -> None:
    mine = [read(flow.tokens(scope="openid")["id_token"])["sid"] for _ in range(2)]
    theirs = read(Flow(ClientFactory(), browser).tokens(scope="openid")["id_token"])["sid"]
    assert mine[0] == mine[1] != theirs
    assert browser.session["oauth_server"]["sid"] not in {*mine, theirs}
