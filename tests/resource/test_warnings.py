"""A wrong token is told to operators with what they need, and no oftener than they read it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone

from django_oauth_server.resource import occasionally
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.occasionally import OccasionallyEach
from django_oauth_server.resource.verifiers.chain import ChainVerifier
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.verifier import LocalVerifier
from tests.factories import TokenFactory

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
LOGGER = "django_oauth_server.resource"
MAIL = "https://api.example/mail"


@protected_resource()
def notes(http: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("notes", notes)]


@pytest.fixture(autouse=True)
def local(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {}


def present(token: str) -> None:
    assert Client().get("/notes", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was said at WARNING so far."""
    return lambda: [one.getMessage() for one in caplog.records if one.name == LOGGER and one.levelno == logging.WARNING]


def test_a_token_for_another_audience(warnings: Callable[[], list[str]]) -> None:
    token = TokenFactory(audience=[MAIL])
    present(token.value)
    (said,) = warnings()
    for needed in ("/notes", MAIL, "https://as.example", token.client.client_id, "this resource server is"):
        assert needed in said
    assert token.value not in said


@pytest.mark.parametrize("is_chained", [False, True])
def test_a_token_of_another_issuer(warnings: Callable[[], list[str]], settings: Any, is_chained: bool) -> None:
    if is_chained:
        local = LocalVerifier()
        settings.OAUTH_RESOURCE_SERVER = {
            "verifier": ChainVerifier(by_issuer={"https://as.example": local}, opaque=local),
            "resource": "https://as.example",
        }
    present(FakeIssuer("https://elsewhere.example", audience=MAIL).token("notes:read", sub="x"))
    (said,) = warnings()
    for needed in ("/notes", "https://elsewhere.example", "https://as.example"):
        assert needed in said


def test_it_is_said_once_a_minute_for_each_kind(
    warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([1000.0, 1001.0, 1002.0, 1059.0, 1061.0])
    monkeypatch.setattr(occasionally, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    mail = TokenFactory(audience=[MAIL]).value
    for token in (mail, mail, "unknown", mail, mail):
        present(token)
    assert [said.partition(": ")[2].partition(":")[0] for said in warnings()] == [
        "meant for another audience",
        "unknown token",
        "meant for another audience",
    ]


@pytest.mark.parametrize("row", [{"issued_at": timezone.now() - timedelta(hours=1)}, {"revoked_at": timezone.now()}])
def test_what_clients_meet_where_nothing_is_wrong_is_told_at_info(
    warnings: Callable[[], list[str]], caplog: pytest.LogCaptureFixture, row: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    present(TokenFactory(**row).value)
    assert not warnings()
    assert "access token refused at /notes: token " in caplog.text


def test_kinds_that_somebody_thinks_up_are_few() -> None:
    may_warn = OccasionallyEach(timedelta(minutes=1))
    assert sum(may_warn(f"unknown key {number}") for number in range(1000)) == 20
