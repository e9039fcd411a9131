"""A person begins here what a relying party does (OpenID Connect Core section 4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from tests.factories import AuthorizationFactory

pytestmark = pytest.mark.django_db
ADDRESS = "https://rp.example/login?from=here"


@pytest.fixture
def started(client_app: Any) -> Any:
    client_app.metadata["initiate_login_uri"] = ADDRESS
    client_app.save()
    return client_app


def press(browser: Browser, client: Any) -> HttpResponse:
    path = f"/oauth/start/{client.client_id}"
    token = browser.get(path).context["csrf_token"]
    return browser.post(path, {"csrfmiddlewaretoken": str(token)})


@pytest.mark.spec("OpenID Connect Core", "4")
def test_a_person_is_told_where_it_leads_and_goes_there(browser: Browser, started: Any) -> None:
    page = browser.get(f"/oauth/start/{started.client_id}")
    assert "rp.example" in page.content.decode()
    answer = press(browser, started)
    assert (answer.status_code, answer["Location"]) == (303, f"{ADDRESS}&iss=https%3A%2F%2Fas.example")


def test_no_link_leads_away_by_itself_and_no_other_site_can_press(browser: Browser, started: Any) -> None:
    path = f"/oauth/start/{started.client_id}"
    assert browser.get(path).status_code == 200
    assert browser.post(path).status_code == 403


@pytest.mark.parametrize("address", ["", "http://rp.example/login", "javascript:alert(1)", "//rp.example"])
def test_an_address_that_may_not_be_shown_is_none(browser: Browser, client_app: Any, address: str) -> None:
    client_app.metadata["initiate_login_uri"] = address
    client_app.save()
    assert browser.get(f"/oauth/start/{client_app.client_id}").status_code == 404


def test_a_disabled_and_an_unknown_client_lead_nowhere(browser: Browser, started: Any) -> None:
    started.is_active = False
    started.save()
    assert browser.get(f"/oauth/start/{started.client_id}").status_code == 404
    assert browser.get("/oauth/start/nobody").status_code == 404


def test_connected_apps_lead_to_it_and_name_claims_too(browser: Browser, started: Any, user: Any) -> None:
    AuthorizationFactory(client=started, user=user, claims=["birthdate"])
    page = browser.get("/oauth/connected-apps/").content.decode()
    assert f"/oauth/start/{started.client_id}" in page
    assert "see your date of birth" in page.lower()


def test_a_client_id_may_be_an_address(browser: Browser, started: Any, user: Any) -> None:
    started.client_id = "https://rp.example/app"
    started.save()
    AuthorizationFactory(client=started, user=user)
    assert browser.get("/oauth/connected-apps/").status_code == 200
    assert press(browser, started)["Location"].startswith(ADDRESS)
