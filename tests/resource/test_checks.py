"""What `manage.py check` says of the protected resources."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_oauth_server.resource import drf
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
