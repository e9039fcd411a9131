"""Refresh tokens that end with the session in which they were allowed (OpenID Connect Back-Channel Logout section 2.7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import include, path
from django.utils import timezone

from django_oauth_server.conf import Scope
from django_oauth_server.conf.openid import OPENID_SCOPES
from django_oauth_server.models import Token
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow
from tests.logout.conftest import end_session, press

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls(__name__),
    pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.7"),
]

SCOPE = "openid notes:read"


def leave(request: HttpRequest) -> HttpResponse:
    """A view of the project's own."""
    logout(request)
    return HttpResponse()


urlpatterns = [path("leave", leave), path("", include("tests.urls"))]


@pytest.fixture(autouse=True)
def _offers_offline_access(settings: Any) -> None:
    scopes = {**OPENID_SCOPES, **settings.OAUTH_SERVER["scopes"]}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes}


@pytest.fixture(params=[False, True], ids=["confidential", "public"])
def app(request: pytest.FixtureRequest, browser: Browser) -> Flow:
    """An app that nobody need tell of a sign-out."""
    return Flow(ClientFactory(public=request.param), browser)


def lives(flow: Flow, refresh_token: str) -> bool:
    return bool(flow.refresh(refresh_token).status_code == 200)


def by_logout_view(browser: Browser) -> None:
    assert browser.get("/leave").status_code == 200


def by_the_app(browser: Browser) -> None:
    assert press(browser, end_session(browser)).status_code == 200


def by_the_test_client(browser: Browser) -> None:
    browser.logout()


ENDS = pytest.mark.parametrize("end", [by_logout_view, by_the_app, by_the_test_client])


@ENDS
def test_without_offline_access_it_ends_when_the_person_signs_out(app: Flow, end: Callable[[Browser], None]) -> None:
    refresh_token = app.tokens(scope=SCOPE)["refresh_token"]
    latest = app.refresh(refresh_token).json()["refresh_token"]
    end(app.browser)
    assert app.refresh(latest).json()["error"] == "invalid_grant"
    assert app.refresh(refresh_token).json()["error"] == "invalid_grant"


@ENDS
@pytest.mark.parametrize("scope", ["notes:read", f"{SCOPE} offline_access"], ids=["no openid", "offline_access"])
def test_others_go_on(app: Flow, end: Callable[[Browser], None], scope: str) -> None:
    refresh_token = app.tokens(scope=scope)["refresh_token"]
    end(app.browser)
    assert lives(app, refresh_token)


def test_access_tokens_live_out_their_time(app: Flow) -> None:
    tokens = app.tokens(scope=SCOPE)
    by_logout_view(app.browser)
    assert app.userinfo(tokens["access_token"])["sub"]


def test_another_session_of_the_person_goes_on(app: Flow, user: Any) -> None:
    elsewhere = Browser(enforce_csrf_checks=True)
    elsewhere.force_login(user)
    other = Flow(app.client, elsewhere)
    mine, others = app.tokens(scope=SCOPE)["refresh_token"], other.tokens(scope=SCOPE)["refresh_token"]
    by_logout_view(app.browser)
    assert (lives(app, mine), lives(other, others)) == (False, True)


def test_a_code_that_was_not_redeemed_yet_ends_as_well(app: Flow) -> None:
    code, offline = app.code(scope=SCOPE), app.code(scope=f"{SCOPE} offline_access", prompt="consent")
    by_logout_view(app.browser)
    assert app.exchange(code).json()["error"] == "invalid_grant"
    assert app.exchange(offline).status_code == 200


def test_what_the_person_cleared_was_not_granted(app: Flow, settings: Any) -> None:
    scopes = settings.OAUTH_SERVER["scopes"]
    optional = {**scopes, "offline_access": Scope("stay connected", optional=True)}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": optional}
    page = app.authorize(scope=f"{SCOPE} offline_access")
    code = app.decide(page, scope=[])["Location"].split("code=")[1].split("&")[0]
    refresh_token = app.exchange(code).json()["refresh_token"]
    by_logout_view(app.browser)
    assert not lives(app, refresh_token)


def test_another_person_who_signs_in_over_the_session_of_an_app_that_is_told(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__backchannel_logout_uri="https://rp.example/told"), browser)
    refresh_token = flow.tokens(scope=SCOPE)["refresh_token"]
    browser.enforce_csrf_checks = browser.handler.enforce_csrf_checks = False
    browser.post("/accounts/login/", {"username": UserFactory().username, "password": "password"})
    assert not lives(flow, refresh_token)


def test_it_ends_at_the_latest_when_the_session_expires(app: Flow, settings: Any) -> None:
    settings.SESSION_COOKIE_AGE = 3600
    refresh_token = app.tokens(scope=SCOPE)["refresh_token"]
    latest = app.refresh(refresh_token).json()["refresh_token"]
    expires = Token.objects.filter(kind="refresh").latest("pk").expires_at
    assert expires <= timezone.now() + timedelta(seconds=3601)
    Token.objects.update(expires_at=timezone.now())  # which has come
    assert not lives(app, latest)


@pytest.mark.parametrize("scope", ["notes:read", f"{SCOPE} offline_access"])
def test_others_outlive_it(app: Flow, settings: Any, scope: str) -> None:
    settings.SESSION_COOKIE_AGE = 3600
    app.tokens(scope=scope)
    assert Token.objects.get(kind="refresh").expires_at > timezone.now() + timedelta(days=29)


def test_an_issuer_may_leave_them_alone(app: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"sign_out_ends_refresh_tokens": False}
    refresh_token = app.tokens(scope=SCOPE)["refresh_token"]
    by_logout_view(app.browser)
    assert lives(app, refresh_token)


def test_resource_servers_are_not_told_when_the_session_expires(app: Flow) -> None:
    token = app.tokens(scope=SCOPE)["access_token"]
    caller = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), app.browser)
    assert not {"session_expires", "sid"} & caller.introspect(token).keys()


def test_a_sign_out_that_cannot_be_noted_now_ends_them_later(app: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person is signed out at once, whatever happens here."""
    from django_oauth_server.logout import ending

    refresh_token = app.tokens(scope=SCOPE)["refresh_token"]
    owed: list[Callable[[], object]] = []
    monkeypatch.setattr(ending, "make_up_for", owed.append)
    with monkeypatch.context() as outage:

        def fail(*_: object) -> None:
            raise ConnectionError

        outage.setattr(ending, "end_with_sessions", fail)
        by_logout_view(app.browser)
    assert not Session.objects.filter(expire_date__gt=timezone.now()).exists()
    assert lives(app, refresh_token)
    for work in owed:
        work()
    assert not Token.objects.filter(kind="refresh", revoked_at=None).exists()
