"""The settings of pushed requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from django_oauth_server.registry import default_issuer
from tests.pushed.conftest import Pushing


@pytest.mark.requirement(50)
@pytest.mark.django_db
@pytest.mark.spec("RFC 9126", "2.2")
def test_how_long_a_reference_lives_can_be_set(pushing: Pushing, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pushed_requests": {"lifetime": timedelta(seconds=599)}}
    assert pushing.push().json()["expires_in"] == 599


@pytest.mark.parametrize(
    "group",
    [
        {"lifetime": timedelta(minutes=10)},
        {"lifetime": timedelta()},
        {"lifetime": timedelta(milliseconds=500)},
        {"lifetime": 90},
        {"most_of_one_client": 0},
        {"requierd": True},
    ],
)
def test_what_cannot_be_set(settings: Any, group: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match="pushed_requests"):
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pushed_requests": group}
        default_issuer()


@pytest.mark.django_db
@pytest.mark.spec("RFC 9126", "5")
def test_that_every_client_has_to_push_is_advertised(client: Browser, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pushed_requests": {"required": True}}
    document = client.get("/.well-known/oauth-authorization-server").json()
    assert document["require_pushed_authorization_requests"] is True
