"""Where people see what they allow, and take it back."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.storage.authorizations import revoke_authorizations
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory

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


def listed(browser: Browser, query: str = "") -> tuple[list[str], bool]:
    """The apps, and whether there is a field to search them."""
    page = browser.get(APPS, QUERY_STRING=query).content.decode()
    return sorted(re.findall(r"<h2[^>]*>(.*?)</h2>", page)), 'type="search"' in page


def connected(user: object, number: int) -> Browser:
    for each in range(number):
        AuthorizationFactory(user=user, client=ClientFactory(metadata__client_name=f"App {each}"))
    browser = Browser()
    browser.force_login(user)
    return browser


def test_more_than_ten_apps_can_be_searched_by_name(user: object) -> None:
    browser = connected(user, 11)
    assert listed(browser) == (sorted(f"App {each}" for each in range(11)), True)
    assert listed(browser, "q=aPP+1+") == (["App 1", "App 10"], True)
    assert listed(browser, "q=printer") == ([], True)


def test_ten_apps_are_all_shown(user: object) -> None:
    names, is_searchable = listed(connected(user, 10), "q=printer")
    assert len(names) == 10 and not is_searchable


@pytest.mark.parametrize("junk", ["q=%ff", "q=%00", "q=a&q=b", "q=%", "q=" + "x" * 70_000])
def test_a_search_that_cannot_be_read_is_none(user: object, junk: str) -> None:
    assert len(listed(connected(user, 11), junk)[0]) == 11
