"""What `manage.py check` says of the protected resources."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, include, path

from django_oauth_server.conf import Resource
from django_oauth_server.resource import drf
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from tests.resource.test_middleware import MIDDLEWARE
from tests.resource.verifiers import MAIL, NOTES, KnownTokens, Person

pytestmark = [
    pytest.mark.urls("tests.resource.middleware_urls"),
    pytest.mark.django_db,  # Django's own checks may ask the database what it can
]
OURS = "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"


def found() -> dict[str, list[str]]:
    """The messages of the resource server, by id."""
    said: dict[str, list[str]] = {}
    for one in run_checks():
        if str(one.id).startswith("oauth_resource."):
            said.setdefault(one.id.removeprefix("oauth_resource."), []).append(f"{one.msg} {one.hint or ''}")
    return said


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def test_a_sound_project_hears_nothing():
    assert found() == {}


def test_each_open_route_under_a_prefix_that_nothing_guards_is_named(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/api/": None}}
    said = found()["E004"]
    assert [line.partition(" is under")[0] for line in said] == [
        "Any method of /api/async (tests.resource.middleware_urls.plain_async)",
        "Any method of /api/plain (tests.resource.middleware_urls.plain)",
        "Any method of /api/reading/plain (tests.resource.middleware_urls.plain)",
    ]
    assert all("manage.py protection" in line and OURS in line for line in said)


@pytest.fixture
def beside_the_server(settings):
    """The authorization server stands in the same project."""
    settings.OAUTH_RESOURCE_SERVER = {}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "resources": {NOTES: Resource("Notes", scopes=("notes:read", "notes:write")), MAIL: "Mail"},
        "scopes": {"notes:read": "Read", "notes:write": "Write", "mail:send": "Send"},
        "default_resource": NOTES,
    }

    def serve(*requirements: str | Requirement) -> None:
        views = [protected_resource(one)(plain) for one in requirements]
        URLS[:] = [path(f"view/{number}", view) for number, view in enumerate(views)]
        settings.ROOT_URLCONF = __name__

    return serve


URLS: list[Any] = []
urlpatterns = URLS


def unknown_scopes() -> list[str]:
    clear_url_caches()
    return found().get("W015", [])


def test_a_scope_that_nobody_offers_is_named_once(beside_the_server):
    beside_the_server("notes:read", "notes:raed", requires("notes:raed") & requires("notes:write"), "paint")
    misspelt, other = unknown_scopes()
    assert misspelt.startswith(
        "Any method of /view/1 (tests.resource.test_checks.plain) requires the scope 'notes:raed'"
    )
    assert misspelt.endswith("offers. Did you mean 'notes:read'?")
    assert other.endswith("The scopes offered are: mail:send, notes:read, notes:write.")


def test_an_alternative_that_nobody_can_take_is_named_too(beside_the_server):
    beside_the_server(requires("notes:read") | requires("notes:rite"))
    assert len(unknown_scopes()) == 1


def test_what_a_resource_does_not_offer_is_named(beside_the_server):
    beside_the_server(requires("mail:send", audience=NOTES), requires("mail:send", audience=MAIL), "mail:send")
    (only,) = unknown_scopes()
    assert only.startswith("Any method of /view/0 ")
    assert f"'mail:send', which no issuer of this project offers for {NOTES}." in only


def test_what_a_token_for_the_default_resource_has_for_userinfo_is_offered(beside_the_server, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": settings.OAUTH_SERVER["scopes"] | {"openid": "Sign in"}}
    beside_the_server(requires("openid", audience=NOTES), requires("email", audience=NOTES))
    (only,) = unknown_scopes()
    assert "the scope 'email'" in only


@pytest.mark.parametrize(
    ("resource", "unknown"),
    [(NOTES, []), (f"{NOTES}/", [f"{NOTES}/"]), ([MAIL, "https://api.example/mcp"], ["https://api.example/mcp"])],
    ids=str,
)
def test_a_resource_that_no_issuer_knows_is_named(beside_the_server, settings, resource, unknown):
    """Agents are refused when they ask for a token for it (`invalid_target`)."""
    settings.OAUTH_RESOURCE_SERVER = {"resource": resource}
    beside_the_server("notes:read")
    assert [line.partition(" ")[0] for line in found().get("W016", [])] == unknown


def test_a_scope_that_another_covers_is_offered(beside_the_server, settings):
    settings.OAUTH_RESOURCE_SERVER = {"scope_covers": f"{__name__}.covers"}
    beside_the_server("notes:read:7", "paint:7")
    assert len(unknown_scopes()) == 1


def covers(held: str, needed: str) -> bool:
    return needed.startswith(f"{held}:")


def test_where_no_scopes_are_known_none_is_unknown(beside_the_server, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {}, "resources": {}}
    beside_the_server("notes:read")
    assert unknown_scopes() == []
    settings.OAUTH_RESOURCE_SERVER = {"verifier": "tests.resource.verifiers.KnownTokens"}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"paint": "Paint"}}
    assert unknown_scopes() == []


def test_with_the_middleware_the_prefix_is_guarded(settings):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/api/": None}}
    assert found() == {}


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"verifier": "tests.resource.verifiers.Missing"}, "cannot be imported"),
        ({"verifier": "tests.resource.verifiers.WithoutDefault"}, 'needs a "resource"'),
        ({"scope_covers": "tests.nowhere.covers"}, "cannot be imported"),
        ({"user": "tests.nowhere.user"}, "cannot be imported"),
        ({"scope_covers": "tests.resource.verifiers.NOTES"}, "cannot be called"),
        ({"user": "tests.resource.verifiers.NOTES"}, "cannot be called"),
        ({"verifier": KnownTokens}, "no TokenVerifier"),
        ({"verifier": "tests.resource.verifiers.Person"}, "no TokenVerifier"),
        ({"protected_prefixes": ["/api/"]}, 'such as {"/api/": None}'),
        ({"protected_prefixes": {"/api/": "notes:read"}}, 'requires("notes:read")'),
        ({"protected_prefixes": {"/api/": drf.requires("notes:read")}}, "or None for any good token"),
        ({"protected_prefixes": {"/api/": Person}}, "or None for any good token"),
        ({"protected_prefixes": {"/api/": ""}}, "or None for any good token"),
        ({"protected_prefixes": {"/api//notes/": None}}, "no path begins so"),
        ({"protected_prefixes": {"/api/<int>/": None}}, "no path begins so"),
        ({"protected_prefixes": {"/api/*/": None}}, "no path begins so"),
        ({"protected_prefixes": {"api/": None}}, "begins and ends with /"),
        ({"realm": "\n"}, "printable ASCII"),
        ({"scopse": {}}, "Did you mean 'scopes'?"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_read_are_told_once(settings, wrong, words):
    settings.OAUTH_RESOURCE_SERVER |= wrong
    (line,) = found()["E001"]
    assert words in line
    assert list(found()) == ["E001"]


@pytest.mark.parametrize("prefix", ["/appi/", "/api/readings/", "/API/"])
def test_a_prefix_that_is_the_beginning_of_no_route_is_told(settings, prefix):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/api/": None, "/api/health/": None, prefix: None}}
    (line,) = found()["W007"]
    assert f"has {prefix}, but no route" in line


@pytest.mark.urls("tests.resource.everything_urls")
def test_a_rest_view_that_reads_no_tokens_is_told():
    (line,) = found()["W006"]
    assert line.startswith("GET /api/without-authentication")
    assert "BearerAuthentication" in line


@pytest.mark.urls("tests.resource.metadata_urls")
@pytest.mark.spec("RFC 8707", "2")
def test_an_audience_that_the_project_does_not_serve_is_told(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"resource": [NOTES, "https://api.example/post"]}
    (line,) = found()["E005"]
    assert line.startswith("Any method of /mail")
    assert NOTES in line
    settings.OAUTH_RESOURCE_SERVER |= {"resource": [NOTES, MAIL]}
    assert found() == {}


@pytest.mark.spec("RFC 9728", "3")
def test_metadata_is_looked_for_at_the_root(settings):
    settings.ROOT_URLCONF = (path("api/", include("django_oauth_server.resource.urls")),)
    (line,) = found()["E003"]
    assert "/api/.well-known/oauth-protected-resource" in line


def test_a_project_that_serves_nothing_is_left_alone(settings):
    settings.ROOT_URLCONF = None
    assert found() == {}


def test_a_verifier_that_cannot_tell_its_tokens_from_others_is_told(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"leave_foreign_tokens": True}
    (line,) = found()["W011"]
    assert "may_be_ours" in line
    settings.OAUTH_RESOURCE_SERVER |= {"verifier": JWKSVerifier("https://as.example"), "resource": NOTES}
    assert found() == {}
