"""`manage.py check` finds what would otherwise fail while somebody waits."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks


def said(settings: Any, **changes: object) -> dict[str, str]:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | changes
    return {str(message.id): message.msg for message in run_checks(tags=["security"])}


@pytest.mark.parametrize(
    ("setting", "name"),
    [
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
    assert message.startswith(f"{setting} of https://as.example is {name!r}, which cannot be used")


@pytest.mark.parametrize(
    ("setting", "name"), [("reauthentication_url", "/confirm/"), ("account_creation_url", "https://id.example/new")]
)
def test_an_address_is_taken_as_it_is(settings: Any, setting: str, name: str) -> None:
    assert "oauth_server.E010" not in said(settings, **{setting: name})
