"""Why was it refused? An administrator looks up the reference."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Client
from django_oauth_server.models.refusal import Refusal
from tests.factories import ClientFactory
from tests.flow import Flow

ADMIN = "/admin/django_oauth_server/"
REFUSALS = f"{ADMIN}refusal/"


@pytest.fixture
def refusal(browser: Browser) -> Refusal:
    client = ClientFactory(
        client_id="notebook", metadata__client_name="Notebook", metadata__redirect_uris=["https://notes.example/back"]
    )
    Flow(client, browser).authorize(redirect_uri="https://notes.example/back/")
    return Refusal.objects.get()


@pytest.mark.parametrize("term", ["{reference}", " [{reference}] ", "{lower}", "notebook"])
def test_it_is_found_by_its_reference_or_the_client(admin: Browser, refusal: Refusal, term: str) -> None:
    asked = {"q": term.format(reference=refusal.reference, lower=refusal.reference.lower())}
    assert list(admin.get(REFUSALS, asked).context["cl"].result_list) == [refusal]


def test_nothing_else_is_found(admin: Browser, refusal: Refusal) -> None:
    assert not admin.get(REFUSALS, {"q": "00000000"}).context["cl"].result_list


def test_its_page_says_what_was_wrong_and_what_would_pass(admin: Browser, refusal: Refusal) -> None:
    page = admin.get(f"{REFUSALS}{refusal.pk}/change/").content.decode()
    for words in ("RFC 9700 section 2.1", "https://notes.example/back/", "<div>https://notes.example/back</div>"):
        assert words in page
    client = refusal.client_id
    assert f">Notebook</a> ({client})" in page


def test_of_an_agent_that_registered_itself_every_scope_that_people_are_asked_for_would_pass(
    admin: Browser, browser: Browser
) -> None:
    client = ClientFactory(registered_by="itself", metadata__scope="notes:read")
    Flow(client, browser).authorize(scope="notes:delete")
    page = admin.get(f"{REFUSALS}{Refusal.objects.get().pk}/change/").content.decode()
    assert "<div>notes:read</div>" in page and "<div>notes:write</div>" in page


def test_the_page_of_a_client_has_its_last_refusals(admin: Browser, refusal: Refusal) -> None:
    other = ClientFactory()
    known = Client.objects.get(client_id="notebook")
    assert refusal.reference in admin.get(f"{ADMIN}client/{known.pk}/change/").content.decode()
    assert refusal.reference not in admin.get(f"{ADMIN}client/{other.pk}/change/").content.decode()


def test_who_may_not_look_at_refusals_sees_none(staff: Any, refusal: Refusal) -> None:
    known = ClientFactory()
    Refusal.objects.update(client_id=known.client_id)
    page = staff("view_client").get(f"{ADMIN}client/{known.pk}/change/").content.decode()
    assert refusal.reference not in page
    assert staff("view_client").get(REFUSALS).status_code == 403


def test_a_refusal_of_no_known_client_has_a_page_too(admin: Browser) -> None:
    Browser().post("/oauth/token", "x=y", content_type="application/x-www-form-urlencoded")
    page = admin.get(f"{REFUSALS}{Refusal.objects.get().pk}/change/")
    assert page.status_code == 200 and "unknown" in page.content.decode()


def test_nobody_changes_one(admin: Browser, refusal: Refusal) -> None:
    assert admin.get(f"{REFUSALS}add/").status_code == 403
    assert admin.post(f"{REFUSALS}{refusal.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin.get(REFUSALS).content.decode()
