"""Nothing is open below a protected prefix, unless it says so."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path

from django_oauth_server.resource.middleware import requirement_of
from django_oauth_server.resource.requirement import requires
from tests.resource import verifiers

pytestmark = pytest.mark.urls("tests.resource.prefix_urls")

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
@pytest.mark.parametrize("path", ["/api/asking", "/api/asking-async"])
def test_a_view_that_asks_for_a_token_finds_it_and_its_user(call, path):
    response = call(path, token="reader")
    assert (response.status_code, response.json()["client"], response.json()["user"]) == (200, "app", "alice")


@SERVERS
@pytest.mark.parametrize("path", ["/api/plain", "/api/async"])
def test_a_view_that_asks_for_none_is_reached_by_nobody_in_particular(call, path):
    assert call(path, token="reader").json() == {"user": "", "authenticated": False}


@SERVERS
@pytest.mark.parametrize("path", ["/api/login", "/api/staff", "/api/session", "/api/ninja/who"])
def test_a_token_is_no_session(call, path):
    assert call(path, token="staff").status_code in {302, 401, 403}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/login", "/api/session", "/api/ninja/who", "/api/plain"])
def test_a_view_for_sessions_needs_both(path):
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("bob"))
    assert browser.get(path).status_code == 401
    assert browser.get(path, headers=_headers("reader")).json()["user"] == "bob"


@SERVERS
def test_a_token_in_place_of_a_csrf_token_counts_where_a_token_is_asked_for(call):
    assert call("/api/asking", "post", token="reader").status_code == 200
    assert call("/api/plain", "post", token="reader").status_code == 403
    assert call("/api/login", "post", token="staff").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/session", "/api/login"])
def test_a_session_still_needs_its_csrf_token(path):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(get_user_model().objects.create_user("bob"))
    assert browser.post(path, headers=_headers("reader")).status_code == 403


@SERVERS
def test_the_sign_in_middleware_still_asks_where_no_token_is_asked_for(call, settings):
    settings.MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert call("/api/plain", token="reader").status_code == 302
    assert call("/api/asking", token="reader").status_code == 200
    assert call("/api/asking").status_code == 401


@SERVERS
@pytest.mark.parametrize(
    "path", ["/api/plain", "/api/async", "/api/asking", "/api/session", "/api/missing", "/api/nothing-here"]
)
@pytest.mark.parametrize("token", ["", "reader", "unknown"])
def test_caches_are_told_what_every_response_below_a_prefix_depends_on(call, path, token):
    assert "Authorization" in call(path, token=token)["Vary"]


class Tenants:
    """Leads to another URLconf, as a middleware for tenants does."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.urlconf = "tests.resource.tenant_urls"
        return self.get_response(request)


TENANTS = f"{__name__}.Tenants"


@SERVERS
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_what_is_open_is_the_view_of_the_urlconf_that_the_request_names(call, settings, first):
    settings.MIDDLEWARE = [TENANTS, *MIDDLEWARE] if first else [*MIDDLEWARE, TENANTS]
    assert call("/api/health").status_code == 401
    assert call("/api/health", token="reader").json() == {"user": "", "authenticated": False}
    assert call("/api/nothing-here").status_code == 401


@SERVERS
def test_a_view_that_is_open_in_the_urlconf_of_the_request_is_open(call, settings):
    settings.MIDDLEWARE = [TENANTS, *MIDDLEWARE]
    assert call("/api/plain").json() == {"authenticated": False}


@SERVERS
@pytest.mark.parametrize("path", ["/page", "/apiary"])
def test_what_is_beside_the_prefix_is_left_alone(call, path):
    assert call(path, token="unknown").json() == {"authenticated": False}


@SERVERS
def test_a_view_that_says_so_is_open(call):
    assert call("/api/health").json() == {"authenticated": False}


class Shop:
    """A view for which the name means something else."""

    def is_open(self) -> bool:
        return False

    def __call__(self, request):
        return HttpResponse("in")


@SERVERS
def test_a_view_says_so_by_the_decorator_alone(call, settings):
    settings.ROOT_URLCONF = (path("api/shop", Shop()),)
    clear_url_caches()
    assert call("/api/shop").status_code == 401


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
