"""A device at which a person signs in (OpenID Connect over RFC 8628)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from joserfc import jws

from django_oauth_server.models import Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.models.participation import Participation
from tests.device.walk import GRANT_TYPE, Device, television
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def claims(token: str) -> dict[str, Any]:
    import json

    return json.loads(jws.extract_compact(token.encode()).payload)


@pytest.fixture
def tokens(device: Device) -> dict[str, Any]:
    codes = device.codes(scope="openid profile notes:read")
    device.allow(codes["user_code"])
    response = device.poll(codes["device_code"])
    assert response.status_code == 200, response.content
    return response.json()


def test_the_answer_has_an_id_token(device: Device, tokens: dict[str, Any], user: User) -> None:
    said = claims(tokens["id_token"])
    assert (said["sub"], said["aud"], said["iss"]) == (str(user.pk), device.client.client_id, "https://as.example")
    assert "auth_time" in said and "nonce" not in said and "at_hash" in said


def test_userinfo_says_who_it_is(device: Device, tokens: dict[str, Any], user: User) -> None:
    assert device.userinfo(tokens["access_token"])["preferred_username"] == user.username


def test_without_openid_there_is_none(device: Device) -> None:
    codes = device.codes(scope="notes:read")
    device.allow(codes["user_code"])
    assert "id_token" not in device.poll(codes["device_code"]).json()


def test_who_signs_out_at_the_browser_is_not_signed_out_at_the_device(device: Device, tokens: dict[str, Any]) -> None:
    """The device has no part in the session of the browser at which somebody happened to type its code."""
    assert "sid" not in claims(tokens["id_token"])
    device.browser.logout()
    assert device.is_active(tokens["refresh_token"]) if not device.client.is_public else True
    assert device.refresh(tokens["refresh_token"]).status_code == 200
    assert not Token.objects.exclude(revoked_at=None).exists()


def test_a_relying_party_with_logout_is_not_told_of_the_browsers_session(browser: Browser) -> None:
    client = television(metadata__backchannel_logout_uri="https://tv.example/logout")
    device = Device(client, browser)
    device.allow(device.codes(scope="openid")["user_code"])
    assert not Participation.objects.exists()


def test_whom_the_client_means(device: Device, tokens: dict[str, Any]) -> None:
    """`id_token_hint`: somebody else is asked to change accounts."""
    codes = device.codes(scope="openid", id_token_hint=tokens["id_token"])
    assert 'id="allow"' in device.confirm(codes["user_code"]).content.decode()
    other = Device(device.client, Browser(enforce_csrf_checks=True))
    other.browser.force_login(UserFactory())
    codes = other.codes(scope="openid", id_token_hint=tokens["id_token"])
    assert "expects another account" in other.confirm(codes["user_code"]).content.decode()


def test_claims_that_are_asked_for_one_by_one(device: Device) -> None:
    codes = device.codes(scope="openid", claims='{"id_token": {"preferred_username": null}}')
    assert "user" in device.confirm(codes["user_code"]).content.decode()
    device.allow(codes["user_code"])
    assert "preferred_username" in claims(device.poll(codes["device_code"]).json()["id_token"])


def test_the_page_speaks_the_language_that_the_client_asks_for(device: Device) -> None:
    code = device.codes(ui_locales="de")["user_code"]
    assert '<html lang="de"' in device.type(code).content.decode()


def test_an_acr_that_cannot_be_reached_ends_the_request(device: Device, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"acr_values": ["gold"]}
    wanted = '{"id_token": {"acr": {"essential": true, "value": "platinum"}}}'
    codes = device.codes(scope="openid", claims=wanted)
    page = device.confirm(codes["user_code"])
    assert "invalid request" in page.content.decode()
    assert device.error(codes["device_code"]) == "access_denied"
    assert DeviceRequest.objects.get().authorization is None


def test_the_client_registers_for_it_itself(db: None, browser: Browser) -> None:
    told = Browser().post(
        "/oauth/register",
        {"client_name": "TV", "grant_types": [GRANT_TYPE], "response_types": [], "token_endpoint_auth_method": "none"},
        content_type="application/json",
    )
    assert told.status_code == 201, told.content
    assert told.json()["grant_types"] == [GRANT_TYPE] and "redirect_uris" not in told.json()
