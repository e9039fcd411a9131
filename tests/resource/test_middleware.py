"""Nothing is open below a protected prefix, unless it says so."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import AsyncClient, Client

from django_oauth_server.resource.middleware import requirement_of
from django_oauth_server.resource.requirement import requires
from tests.resource import verifiers

pytestmark = pytest.mark.urls("tests.resource.middleware_urls")

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware",
]


@pytest.fixture(autouse=True)
def prefix(settings):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {
        "protected_prefixes": {"/api/": None, "/api/reading/": requires("notes:read")},
    }


def wsgi(path: str, method: str = "get", token: str = "", **more: object) -> HttpResponse:
    return getattr(Client(enforce_csrf_checks=True), method)(path, headers=_headers(token), **more)


def asgi(path: str, method: str = "get", token: str = "", **more: object) -> HttpResponse:
    return async_to_sync(getattr(AsyncClient(enforce_csrf_checks=True), method))(path, headers=_headers(token), **more)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


SERVERS = pytest.mark.parametrize("call", [wsgi, asgi])


@SERVERS
@pytest.mark.parametrize("path", ["/api/plain", "/api/async", "/api/nothing-here", "/api/", "/api"])
def test_without_a_token_nothing_below_the_prefix_answers(call, path):
    response = call(path)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@SERVERS
@pytest.mark.parametrize("path", ["/api/plain", "/api/async"])
def test_a_view_finds_the_token_and_its_user(call, path):
    response = call(path, token="reader")
    assert (response.status_code, response.json()["client"], response.json()["user"]) == (200, "app", "alice")


@SERVERS
def test_a_token_needs_no_proof_against_forgery(call):
    assert call("/api/plain", "post", token="reader").status_code == 200


@SERVERS
@pytest.mark.parametrize("path", ["/page", "/apiary"])
def test_what_is_beside_the_prefix_is_left_alone(call, path):
    assert call(path, token="unknown").json() == {"authenticated": False}


@SERVERS
def test_a_view_that_says_so_is_open(call):
    assert call("/api/health").json() == {"authenticated": False}


@SERVERS
def test_a_path_that_no_view_answers_is_not_found_with_a_token(call):
    assert call("/api/nothing-here", token="reader").status_code == 404


@SERVERS
def test_the_longest_prefix_says_what_is_required(call):
    assert call("/api/reading/plain", token="bare")["WWW-Authenticate"].endswith('scope="notes:read"')
    assert call("/api/reading/plain", token="reader").status_code == 200
    assert call("/api/plain", token="bare").status_code == 200


@SERVERS
def test_a_view_may_require_more(call):
    assert call("/api/write", token="reader").status_code == 403
    assert call("/api/write", token="writer").status_code == 200


@SERVERS
def test_the_token_is_verified_once(call, monkeypatch):
    calls = []
    known = verifiers.known_token
    monkeypatch.setattr(verifiers, "known_token", lambda token: calls.append(token) or known(token))
    assert call("/api/write", token="writer").status_code == 200
    assert calls == ["writer"]


@pytest.mark.parametrize("path", ["//api/plain", "///api/"])
def test_more_slashes_lead_past_no_prefix(path):
    assert requirement_of(path) == requires()


@pytest.mark.django_db
def test_a_session_opens_nothing():
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("bob"))
    assert browser.get("/api/plain").status_code == 401
