"""A person who signs out is signed out, whatever the tables of this package answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser

from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.logout import amends
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow
from tests.logout.conftest import end_session, press, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def relying_party(db: None) -> Any:
    return ClientFactory(
        metadata__redirect_uris=["https://rp.example/callback"],
        metadata__backchannel_logout_uri="https://rp.example/told",
    )


@pytest.fixture(autouse=True)
def owed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[amends.Amends]:
    """What is to be made up for, without the thread that does it."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"logout_delivery": "command"}
    mine = amends.Amends()
    mine._runs = True
    monkeypatch.setattr(amends, "_amends", type("One", (), {"get": lambda self: mine})())
    yield mine


@contextmanager
def tables_away() -> Iterator[None]:
    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if "participation" in sql or "logoutdelivery" in sql:
            raise OperationalError("server closed the connection")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


def by_view(browser: Browser) -> None:
    browser.enforce_csrf_checks = browser.handler.enforce_csrf_checks = False
    assert browser.post("/accounts/logout/").status_code < 400


def by_page(browser: Browser) -> None:
    assert "You are signed out" in press(browser, end_session(browser)).content.decode()


@pytest.mark.parametrize("leave", [by_view, by_page])
def test_an_error_while_the_end_is_noted_leaves_nobody_signed_in(
    rp: Flow, leave: Callable[[Browser], None], caplog: pytest.LogCaptureFixture
) -> None:
    rp.tokens(scope="openid")
    with tables_away():
        leave(rp.browser)
    assert not signed_in(rp.browser)
    assert "cannot be stored now" in caplog.text


@pytest.mark.parametrize("leave", [by_view, by_page])
def test_what_could_not_be_noted_is_made_up_for(
    rp: Flow, leave: Callable[[Browser], None], owed: amends.Amends
) -> None:
    rp.tokens(scope="openid")
    with tables_away():
        leave(rp.browser)
        with pytest.raises(TemporarilyUnavailable):
            owed.pay()
    assert Participation.objects.exists()
    owed.pay()
    owed.pay()
    assert LogoutDelivery.objects.get().client == rp.client
    assert not Participation.objects.exists()


def test_somebody_else_can_sign_in_over_the_session(rp: Flow, owed: amends.Amends) -> None:
    rp.tokens(scope="openid")
    other, browser = UserFactory(), rp.browser
    browser.enforce_csrf_checks = browser.handler.enforce_csrf_checks = False
    with tables_away():
        browser.post("/accounts/login/", {"username": other.username, "password": "password"})
    assert browser.session["_auth_user_id"] == str(other.pk)
    owed.pay()
    assert LogoutDelivery.objects.count() == 1


def test_the_thread_tries_until_it_succeeds_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amends, "sleep", lambda seconds: None)
    monkeypatch.setattr(amends.connections, "close_all", lambda: None)
    answers: list[Exception | None] = [None, OperationalError("away"), OperationalError("away")]

    def work() -> None:
        if refusal := answers.pop():
            raise refusal

    one = amends.Amends()
    one._owed.append(work)
    one._runs = True
    one._run()
    assert answers == [] and not one._runs
