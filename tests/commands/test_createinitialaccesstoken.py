"""`manage.py createinitialaccesstoken`."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_oauth_server.models.initial_access_token import InitialAccessToken
from tests.registration.conftest import Registrant

pytestmark = pytest.mark.django_db


def create(*flags: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("createinitialaccesstoken", *flags, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue()


def test_the_value_alone_is_printed_and_registers_a_client() -> None:
    value, words = create("Partner")
    assert "cannot be shown again" in words
    Registrant().registered(value)
    token = InitialAccessToken.objects.get()
    assert (token.label, token.issuer, token.used, token.created_by) == ("Partner", "https://as.example", 1, None)
    assert value not in str(InitialAccessToken.objects.values())


def test_its_bounds() -> None:
    create("P", "--uses", "2", "--expires-in", "30", "--profile", "oauth2_1", "--allow-client-credentials")
    token = InitialAccessToken.objects.get()
    assert (token.uses, token.profile, token.allow_client_credentials) == (2, "oauth2_1", True)
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)


def test_where_nobody_could_use_it_that_is_said(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "off"}
    assert "is “off”" in create("Partner")[1]


@pytest.mark.parametrize(
    "flags",
    [
        ["Partner", "--issuer", "https://other.example"],
        ["Partner", "--uses", "0"],
        ["Partner", "--uses", "many"],
        ["Partner", "--expires-in", "-1"],
        ["Partner", "--expires-in", "9999999"],
        ["Partner", "--profile", "loose"],
        ["x" * 201],
        [""],
        ["  "],
        ["Part\nner"],
        ["Partner", "--issuer", ""],
        [],
    ],
)
def test_what_is_refused(flags: list[str]) -> None:
    with pytest.raises(CommandError):
        create(*flags)
    assert not InitialAccessToken.objects.exists()
