"""The OAUTH_RESOURCE_SERVER setting."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource.conf import audiences, load, verifier
from tests.resource.verifiers import MAIL, NOTES, KnownTokens


def configure(settings, **declared: object) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"verifier": "tests.resource.verifiers.KnownTokens", "bindings": []} | declared


def test_nothing_need_be_set_beside_the_authorization_server(settings):
    del settings.OAUTH_RESOURCE_SERVER
    assert (load().verifier, load().resource, load().realm) == (
        "django_oauth_server.verifier.LocalVerifier",
        "",
        "api",
    )


@pytest.mark.parametrize(
    "declared, complaint",
    [
        ({"reealm": "api"}, "has no 'reealm'. Did you mean 'realm'?"),
        ({"zzz": "api"}, "has no 'zzz'.$"),
        ({"realm": ""}, "printable ASCII"),
        ({"realm": "a\r\nb"}, "printable ASCII"),
        ({"realm": None}, "printable ASCII"),
        ({"verifier": "KnownTokens"}, "not a dotted path"),
        ({"resource": "not a uri"}, "resource 'not a uri'"),
        ({"resource": ["https://api.example#part"]}, "fragment"),
        ({"resource": [1]}, "resource 1"),
        ({"resource": 1}, "a string, or a list"),
        ({"user": print}, "user is the dotted path of a function"),
        ({"user": None}, "user is the dotted path of a function"),
        ({"scope_covers": print}, "scope_covers is the dotted path of a function"),
        ({"scopes": ["notes:read"]}, "scopes is a dict"),
    ],
)
def test_a_mistake_says_what_to_mend(settings, declared, complaint):
    configure(settings, **declared)
    with pytest.raises(ImproperlyConfigured, match=complaint):
        load()


def test_the_setting_is_a_dict(settings):
    settings.OAUTH_RESOURCE_SERVER = ["api"]
    with pytest.raises(ImproperlyConfigured, match="is a dict, not list"):
        load()


def test_the_verifier_is_made_once(settings):
    assert isinstance(verifier(), KnownTokens)
    assert verifier() is verifier()


def test_a_verifier_that_needs_arguments_is_named(settings):
    configure(settings, verifier="django_oauth_server.resource.verifiers.jwks.JWKSVerifier")
    with pytest.raises(ImproperlyConfigured, match="cannot be made without arguments"):
        verifier()


def test_a_verifier_that_cannot_be_imported_is_named(settings):
    configure(settings, verifier="tests.resource.verifiers.Missing")
    with pytest.raises(ImproperlyConfigured, match=r"tests\.resource\.verifiers\.Missing"):
        verifier()


@pytest.mark.parametrize(
    "resource, expected", [("", (NOTES,)), (MAIL, (MAIL,)), ([MAIL, NOTES], (MAIL, NOTES)), ([], (NOTES,))]
)
def test_the_audience_is_the_resource_or_the_default_of_the_verifier(settings, resource, expected):
    configure(settings, resource=resource)
    assert audiences() == expected


def test_a_token_is_never_accepted_for_want_of_an_audience(settings):
    configure(settings, verifier="tests.resource.verifiers.WithoutDefault")
    with pytest.raises(ImproperlyConfigured, match='needs a "resource"'):
        audiences()


@pytest.mark.urls("tests.resource.urls")
def test_the_realm_is_in_every_challenge(settings, call):
    configure(settings, realm='the "notes"')
    assert (
        call("/function")["WWW-Authenticate"]
        == call("/rest-view")["WWW-Authenticate"]
        == r'Bearer realm="the \"notes\"", scope="notes:read"'
    )


def test_a_resource_server_alone_is_told_that_it_needs_a_verifier(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_oauth_server"]
    settings.OAUTH_RESOURCE_SERVER = {"resource": NOTES}
    with pytest.raises(ImproperlyConfigured, match='needs a "verifier"'):
        verifier()
