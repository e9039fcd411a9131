"""Where people see what they allow, and take it back."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.storage.authorizations import revoke_authorizations
from tests.factories import AuthorizationFactory, UserFactory

pytestmark = pytest.mark.django_db
APPS = "/oauth/connected-apps/"


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_takes_back_what_has_ended_is_shown_what_is_left(user: object, method: str) -> None:
    """A second click, or one after an answer that was lost."""
    browser = Browser()
    browser.force_login(user)
    path = f"{APPS}{AuthorizationFactory(user=user).grant_id}/remove"
    assert browser.post(path)["Location"] == APPS
    response = getattr(browser, method)(path)
    assert (response.status_code, response["Location"]) == (302, APPS)


def test_another_persons_is_unknown_whatever_its_state(user: object) -> None:
    browser = Browser()
    browser.force_login(user)
    others = AuthorizationFactory(user=UserFactory())
    assert browser.post(f"{APPS}{others.grant_id}/remove").status_code == 404
    revoke_authorizations([others], timezone.now())
    assert browser.post(f"{APPS}{others.grant_id}/remove").status_code == 404
