"""Linked identities, as an administrator makes and removes them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Authorization
from django_oauth_server.models.linked_identity import LinkedIdentity
from tests.factories import UserFactory
from tests.flow import Flow
from tests.trusted_issuers.idp import IDP, JWT_BEARER, OTHER, agent, assertion, linked, trusted, trusting

pytestmark = pytest.mark.django_db
LIST = "/admin/django_oauth_server/linkedidentity/"


@pytest.fixture(autouse=True)
def _trust(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting(trusted(), trusted(OTHER, tenant="acme"))


def link_in(admin: Browser, **said: Any) -> Any:
    return admin.post(f"{LIST}add/", {"known_by": IDP, "subject": "alice", **said}, follow=True)


def test_a_person_is_linked(admin: Browser) -> None:
    person = UserFactory()
    link_in(admin, user=person.pk)
    response = Flow(agent(), Browser()).token(grant_type=JWT_BEARER, assertion=assertion(), scope="notes:read")
    assert response.status_code == 200 and Authorization.objects.get().user == person


def test_the_tenant_is_that_of_the_settings(admin: Browser) -> None:
    link_in(admin, user=UserFactory().pk, known_by=f"{OTHER} (acme)")
    assert LinkedIdentity.objects.get().tenant == "acme"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"subject": "a\u200blice"}, "Enter printable characters only."),
        ({"subject": "x" * 256}, "at most 255 characters"),
        ({"subject": ""}, "This field is required."),
        ({"known_by": "https://unknown.example"}, "Select a valid choice."),
    ],
)
def test_what_no_assertion_could_name_is_refused(admin: Browser, said: Any, words: str) -> None:
    assert words in link_in(admin, user=UserFactory().pk, **said).content.decode()
    assert not LinkedIdentity.objects.exists()


def test_a_subject_is_linked_once(admin: Browser) -> None:
    linked(UserFactory(username="carol"))
    assert "already linked to carol" in link_in(admin, user=UserFactory().pk).content.decode()


def test_spaces_belong_to_a_subject(admin: Browser) -> None:
    link_in(admin, user=UserFactory().pk, subject=" alice ")
    assert LinkedIdentity.objects.get().subject == " alice "


def test_a_link_is_found_by_its_user_and_its_subject(admin: Browser) -> None:
    linked(UserFactory(username="carol"), "00u1")
    linked(UserFactory(username="dave"), "00u2", OTHER, "acme")
    for asked, there, other in (("carol", "00u1", "00u2"), ("00u2", "dave", "carol"), ("00u", "0 linked", "dave")):
        page = admin.get(LIST, {"q": asked}).content.decode()
        assert there in page and other not in page.partition("searchbar")[2]


def test_the_page_of_a_link_says_what_it_is_and_cannot_change_it(admin: Browser) -> None:
    linked(UserFactory(username="carol"))
    row = LinkedIdentity.objects.get()
    page = admin.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "alice" in page and IDP in page and "carol" in page and 'name="subject"' not in page
    assert admin.post(f"{LIST}{row.pk}/change/", {"subject": "bob"}).status_code == 403


def test_removing_a_link_says_what_ends_and_ends_it(admin: Browser) -> None:
    linked(UserFactory())
    app = agent()
    Flow(app, Browser()).token(grant_type=JWT_BEARER, assertion=assertion(), scope="notes:read")
    row = LinkedIdentity.objects.get()
    page = admin.get(f"{LIST}{row.pk}/delete/").content.decode()
    assert "Authorizations that end: 1" in page
    admin.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not LinkedIdentity.objects.exists() and not Authorization.objects.filter(is_live=True).exists()


def test_several_links_are_removed_at_once(admin: Browser) -> None:
    rows = [linked(UserFactory(), name) and LinkedIdentity.objects.latest("pk").pk for name in ("a", "b")]
    admin.post(LIST, {"action": "delete_selected", "_selected_action": rows, "post": "yes"})
    assert not LinkedIdentity.objects.exists()


def test_whoever_may_only_look_links_nobody(staff: Any) -> None:
    browser = staff("view_linkedidentity")
    assert browser.get(LIST).status_code == 200
    assert link_in(browser, user=UserFactory().pk).status_code == 403
