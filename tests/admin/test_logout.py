"""Where people are signed in, and who was told that they no longer are, as an administrator sees it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.admin import lists
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from tests.factories import ClientFactory
from tests.flow import Flow

ADMIN = "/admin/django_oauth_server/"
SIGN_INS, DELIVERIES = f"{ADMIN}participation/", f"{ADMIN}logoutdelivery/"


@pytest.fixture
def participation(browser: Browser) -> Participation:
    client = ClientFactory(metadata__backchannel_logout_uri="https://rp.example/out", client_id="notebook")
    Flow(client, browser).tokens(scope="openid")
    return Participation.objects.get()


def act(browser: Browser, page: str, action: str, row: Any, **more: str) -> Any:
    return browser.post(page, {"action": action, "_selected_action": [row.pk], "index": 0, **more}, follow=True)


def failed(participation: Participation) -> LogoutDelivery:
    return LogoutDelivery.objects.create(
        client=participation.client,
        sid="s",
        person=str(participation.user_id),
        state="failed",
        attempts=12,
        reason="it answered 503",
    )


def test_signing_out_says_what_it_ends_and_has_the_app_told(admin: Browser, participation: Participation) -> None:
    page = act(admin, SIGN_INS, "sign_out", participation).content.decode()
    assert "1 person will be signed out of this app." in page and "People stay signed in to this site" in page
    assert Participation.objects.exists()
    assert (
        "1 app sign-in was ended." in act(admin, SIGN_INS, "sign_out", participation, confirmed="yes").content.decode()
    )
    assert (Participation.objects.count(), LogoutDelivery.objects.get().state) == (0, "waiting")


def test_a_delivery_that_failed_says_why_and_can_be_tried_again(admin: Browser, participation: Participation) -> None:
    row = failed(participation)
    page = admin.get(DELIVERIES).content.decode()
    assert "failed" in page and "it answered 503" in page
    assert admin.get(f"{DELIVERIES}{row.pk}/change/").status_code == 200
    assert "1 logout will be delivered again." in act(admin, DELIVERIES, "retry", row).content.decode()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.reason) == ("waiting", 0, "")
    assert "Requested another attempt." in admin.get(f"{DELIVERIES}{row.pk}/history/").content.decode()


def test_no_more_are_tried_again_at_once_than_a_form_can_confirm(
    admin: Browser, participation: Participation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_CHANGED", 2)
    rows = [failed(participation) for _ in range(3)]
    everything = act(admin, DELIVERIES, "retry", rows[0], select_across="1").content.decode()
    assert "Select at most 2 items" in everything
    assert not LogoutDelivery.objects.exclude(state="failed").exists()


def test_what_was_delivered_is_not_told_again(admin: Browser, participation: Participation) -> None:
    row = failed(participation)
    LogoutDelivery.objects.update(state="delivered")
    assert "All of these logouts have already been delivered." in act(admin, DELIVERIES, "retry", row).content.decode()
    row.refresh_from_db()
    assert row.state == "delivered"


@pytest.mark.parametrize("page", [SIGN_INS, DELIVERIES])
@pytest.mark.parametrize(("term", "number"), [("{person}", 1), ("notebook", 1), ("nobody", 0)])
def test_they_are_found_by_person_and_app(
    admin: Browser, participation: Participation, user: Any, page: str, term: str, number: int
) -> None:
    failed(participation)
    found = admin.get(page, {"q": term.format(person=user.username)}).context["cl"].result_list
    assert len(found) == number


def test_who_may_only_look_changes_nothing(staff: Any, participation: Participation) -> None:
    browser = staff("view_participation", "view_logoutdelivery")
    act(browser, SIGN_INS, "sign_out", participation, confirmed="yes")
    act(browser, DELIVERIES, "retry", failed(participation))
    assert Participation.objects.exists() and LogoutDelivery.objects.get().state == "failed"
