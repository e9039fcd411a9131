"""`manage.py check` finds what would otherwise fail while somebody waits."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import clear_script_prefix, include, path, reverse_lazy, set_script_prefix


def said(settings: Any, **changes: object) -> dict[str, str]:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | changes
    return {str(message.id): message.msg for message in run_checks(tags=["security"])}


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("claims", ""),
        ("authentication", ""),
        ("subject", ""),
        ("subject", "nowhere.subject"),
        ("subject", "django_oauth_server.conf.secrets"),
        ("subject", "django_oauth_server.registry.default_issuer"),
        ("claims", "nowhere.PersonClaims"),
        ("claims", "django_oauth_server.conf.Scope"),
        ("authentication", "nowhere.known_sign_in"),
        ("reauthentication_url", "nowhere:confirm"),
        ("account_creation_url", "nowhere"),
        ("revocation_cache", "nowhere"),
    ],
)
def test_what_a_setting_names_is_there(settings: Any, setting: str, name: str) -> None:
    message = said(settings, **{setting: name})["oauth_server.E010"]
    assert message.startswith(f"{setting} of https://as.example is {name!r}, which cannot be loaded")


@pytest.mark.parametrize(
    ("setting", "name"), [("reauthentication_url", "/confirm/"), ("account_creation_url", "https://id.example/new")]
)
def test_an_address_is_taken_as_it_is(settings: Any, setting: str, name: str) -> None:
    assert "oauth_server.E010" not in said(settings, **{setting: name})


# -- sign-in ---------------------------------------------------------------------------------------------------------------


def _page(http: Any) -> HttpResponse:
    return HttpResponse("sign in")


urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("sign-in/", _page, name="sign_in"),
    *i18n_patterns(path("enter/", _page)),
]


def of_sign_in(settings: Any) -> set[str]:
    return set(said(settings)) & {"oauth_server.E012", "oauth_server.W011"}


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    "login_url",
    [
        "/sign-in/",
        "/sign-in",
        "/sign-in/?theme=dark",
        "sign_in",
        reverse_lazy("sign_in", urlconf=__name__),
        _page,
        "/enter/",
        "/de/enter/",
        "https://as.example/sign-in/",
        "https://sso.example/nowhere",
        "//sso.example/nowhere",
        "/mounted/sign-in/",
    ],
)
def test_a_sign_in_page_that_is_there_is_no_fault(settings: Any, login_url: object) -> None:
    settings.LOGIN_URL = login_url
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, settings.OAUTH_SERVER | {"issuer": "https://as.example/mounted"}]
    found = {message.id for message in run_checks(tags=["security"])}
    assert not found & {"oauth_server.E012", "oauth_server.W011"}


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("login_url", "message"),
    [
        ("/nowhere/", "oauth_server.W011"),
        ("/sign-in/further/", "oauth_server.W011"),
        ("sign-in/", "oauth_server.W011"),
        ("../sign-in/", "oauth_server.W011"),
        ("https://as.example/nowhere/", "oauth_server.W011"),
        ("nowhere", "oauth_server.E012"),
        ("nowhere:sign_in", "oauth_server.E012"),
        (print, "oauth_server.E012"),
        (None, "oauth_server.E012"),
        ("", "oauth_server.E012"),
    ],
)
def test_one_that_leads_nowhere_is_found(settings: Any, login_url: object, message: str) -> None:
    settings.LOGIN_URL = login_url
    assert of_sign_in(settings) == {message}


@pytest.mark.urls(__name__)
def test_below_a_path_it_has_that_path(settings: Any) -> None:
    """Django does not put it before LOGIN_URL: another path leads out of the project."""
    set_script_prefix("/sub/")
    try:
        for login_url in ("/sub/sign-in/", "sign_in"):
            settings.LOGIN_URL = login_url
            assert not of_sign_in(settings), login_url
        settings.LOGIN_URL = "/sign-in/"
        assert of_sign_in(settings) == {"oauth_server.W011"}
    finally:
        clear_script_prefix()


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("setting", ["reauthentication_url", "account_creation_url"])
def test_so_are_the_pages_that_settings_name(settings: Any, setting: str) -> None:
    settings.LOGIN_URL = "/sign-in/"
    assert said(settings, **{setting: "/nowhere/"})["oauth_server.W011"].startswith(f"{setting} of https://as.example")
    assert "oauth_server.W011" not in said(settings, **{setting: "/sign-in/"})


@pytest.mark.parametrize(
    ("policy", "told"),
    [("same-origin", True), ("same-origin-allow-popups", True), ("unsafe-none", False), (None, False)],
)
def test_a_deployment_is_told_what_popups_need(settings: Any, policy: str | None, *, told: bool) -> None:
    settings.SECURE_CROSS_ORIGIN_OPENER_POLICY = policy
    found = {message.id for message in run_checks(tags=["security"], include_deployment_checks=True)}
    assert ("oauth_server.I001" in found) is told
    assert "oauth_server.I001" not in said(settings)
