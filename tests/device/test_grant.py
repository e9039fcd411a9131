"""The device authorization grant (RFC 8628), by the front door."""

from __future__ import annotations

import pytest

from tests.device.walk import Device

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 8628", "3.2")
def test_a_device_is_told_what_to_show(device: Device) -> None:
    response = device.ask()
    told = response.json()
    assert set(told) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert told["verification_uri"] == "https://as.example/device"
    assert told["verification_uri_complete"] == f"https://as.example/device?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.spec("RFC 8628", "3.5")
def test_the_whole_walk(device: Device) -> None:
    codes = device.codes()
    assert device.error(codes["device_code"]) == "authorization_pending"
    answered = device.allow(codes["user_code"])
    assert "Go back to your device" in answered.content.decode()
    tokens = device.poll(codes["device_code"])
    assert tokens.status_code == 200, tokens.content
    assert tokens.json()["scope"] == "notes:read notes:write"
    assert {"access_token", "refresh_token", "token_type", "expires_in"} <= set(tokens.json())
