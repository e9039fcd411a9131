"""Where the page is: below a path, on several hosts, where a setting says, and in a project where everybody has to sign in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import include, path

from django_oauth_server.conf.device import DeviceSettings
from django_oauth_server.registry import default_issuer
from tests.device import walk
from tests.device.walk import Device, television
from tests.endpoints.test_where import LOGIN_REQUIRED, project  # noqa: F401
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_below_the_issuers_path_where_a_setting_says(
    project: Callable[..., None],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    browser: Browser,
) -> None:
    project("https://as.example/tenant", device={"path": "tv/activate/"})
    for name, where in (
        ("PAGE", "/tenant/tv/activate/"),
        ("DEVICE_AUTHORIZATION", "/tenant/oauth/device_authorization"),
    ):
        monkeypatch.setattr(walk, name, where)
    monkeypatch.setattr("tests.flow.TOKEN", "/tenant/oauth/token")
    device = Device(television(), browser)
    codes = device.codes()
    assert codes["verification_uri"] == "https://as.example/tenant/tv/activate/"
    device.allow(codes["user_code"])
    assert device.poll(codes["device_code"]).status_code == 200


def test_at_two_hosts_each_code_is_good_at_its_own(
    project: Callable[..., None],  # noqa: F811
    browser: Browser,
) -> None:
    project("https://as.example", "https://other.example")
    device, other = Device(television(), browser), Device(television(issuer="https://other.example"), browser)
    other.server = Browser(headers={"Host": "other.example"})
    codes = other.codes()
    assert codes["verification_uri"] == "https://other.example/device"
    typed = {"user_code": codes["user_code"]}
    here = browser.get("/device", typed, headers={"Host": "as.example"})
    there = browser.get("/device", typed, headers={"Host": "other.example"})
    assert "code-error" in here.content.decode() and "Does your device show" in there.content.decode()
    device.server = Browser(headers={"Host": "as.example"})
    assert device.codes()["verification_uri"] == "https://as.example/device"


def test_where_everybody_has_to_sign_in(
    project: Callable[..., None],  # noqa: F811
    settings: Any,
    device: Device,
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    project("https://as.example")
    codes = device.codes()
    stranger = Browser()
    location = stranger.get("/device", {"user_code": codes["user_code"]})["Location"]
    stranger.force_login(UserFactory())
    page = stranger.get(parse_qs(urlsplit(location).query)["next"][0])
    assert "Does your device show" in page.content.decode()
    device.allow(codes["user_code"])
    assert device.poll(codes["device_code"]).status_code == 200


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"path": "/device"}, "path must be"),
        ({"path": ""}, "path must be"),
        ({"path": "a b"}, "path must be"),
        ({"path": ".."}, "path must be"),
        ({"path": "a/../b"}, "path must be"),
        ({"path": ".well-known/device"}, "path must be"),
        ({"interval": timedelta(0)}, "interval must be"),
        ({"code_lifetime": timedelta(seconds=5)}, "code_lifetime must be"),
        ({"code_lifetime": timedelta(days=400_000)}, "code_lifetime must be"),
        ({"interval": timedelta(minutes=10)}, "interval must be shorter"),
        ({"pth": "x"}, "Did you mean 'path'"),
        ({"interval": 5}, "interval must be"),
    ],
)
def test_settings_that_cannot_be_meant(settings: Any, given: dict[str, Any], told: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"device": given}
    with pytest.raises(ImproperlyConfigured, match=told):
        default_issuer()


@pytest.mark.parametrize("taken", ["oauth/token", "oauth/connected-apps/", "oauth/device_authorization"])
def test_a_path_at_which_something_else_answers(project: Callable[..., None], taken: str) -> None:  # noqa: F811
    project("https://as.example", device={"path": taken})
    with pytest.raises(ImproperlyConfigured, match=f"have the same path, /{taken}."):
        run_checks()


def test_the_defaults(settings: Any) -> None:
    assert default_issuer().settings.group(DeviceSettings) == DeviceSettings()


def told(settings: Any) -> list[str]:
    return [str(one.id) for one in run_checks() if str(one.id) in {"oauth_server.W015", "oauth_server.W016"}]


class Shadowed:
    """A project that has a page of its own at that path."""

    urlpatterns = [path("device", lambda http: HttpResponse("ours")), path("", include("django_oauth_server.urls"))]


def test_a_page_of_the_project_in_its_place_is_found(settings: Any) -> None:
    assert told(settings) == []
    settings.ROOT_URLCONF = Shadowed
    assert told(settings) == ["oauth_server.W015"]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"device": {"path": "activate"}}
    assert told(settings) == []


def test_that_nothing_holds_back_guesses_is_found(settings: Any) -> None:
    limits = ("device_code", "device_code_by_session", "device_code_by_address")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": dict.fromkeys(limits)}
    assert told(settings) == ["oauth_server.W016"]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": dict.fromkeys(limits[1:])}
    assert told(settings) == []
