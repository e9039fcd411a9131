"""Initial access tokens, as an administrator makes and ends them; and what the admin says of clients that registered themselves."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.admin.client import ClientAdmin
from django_oauth_server.conf import Policy
from django_oauth_server.models import Client
from django_oauth_server.models.initial_access_token import InitialAccessToken
from tests.factories import ClientFactory
from tests.registration.conftest import Registrant, initial_access_token

pytestmark = pytest.mark.django_db
LIST = "/admin/django_oauth_server/initialaccesstoken/"
CLIENTS = "/admin/django_oauth_server/client/"
PARTNER = {"issuer": "https://as.example", "label": "Partner", "uses": "1"}


def shown(response: Any) -> str:
    return html.unescape(re.search(r'id="initial-access-token"[^>]* value="([^"]+)"', response.content.decode())[1])


def test_a_client_is_registered_with_the_value_that_was_shown(admin: Browser) -> None:
    response = admin.post(f"{LIST}add/", PARTNER, follow=True)
    assert response.status_code == 200
    assert "It cannot be shown again" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    Registrant().registered(shown(response))
    token = InitialAccessToken.objects.get()
    assert (token.label, token.used, token.created_by.get_username()) == ("Partner", 1, "root")


def test_the_value_is_shown_once_and_kept_nowhere(admin: Browser) -> None:
    value = shown(admin.post(f"{LIST}add/", PARTNER, follow=True))
    assert value.startswith("oas_ia_")
    token = InitialAccessToken.objects.get()
    for page in (LIST, f"{LIST}{token.pk}/change/"):
        assert value not in admin.get(page).content.decode()
        assert token.digest not in admin.get(page).content.decode()
    assert value not in str(InitialAccessToken.objects.values()) + str(LogEntry.objects.values())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"uses": "0"}, "at least 1"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}, "in the future"),
    ],
)
def test_one_that_could_never_be_used_is_refused(admin: Browser, wrong: dict[str, str], words: str) -> None:
    assert words in admin.post(f"{LIST}add/", PARTNER | wrong).content.decode()
    assert not InitialAccessToken.objects.exists()


def test_its_profile_is_one_of_its_issuer(admin: Browser, settings: Any) -> None:
    """Which issuer it is for is chosen on the same form."""
    plain = settings.OAUTH_SERVER
    second = plain | {"issuer": "https://other.example", "policies": [Policy(name="partners")]}
    settings.OAUTH_SERVER = [plain, second]
    assert "no such profile" in admin.post(f"{LIST}add/", PARTNER | {"profile": "partners"}).content.decode()
    admin.post(f"{LIST}add/", PARTNER | {"profile": "partners", "issuer": "https://other.example"})
    token = InitialAccessToken.objects.get()
    assert (token.issuer, token.profile) == ("https://other.example", "partners")


def test_it_can_be_ended_and_its_issuer_stays(admin: Browser) -> None:
    token, value = initial_access_token(used=3)
    changed = {
        "label": "Former partner",
        "uses": "",
        "expires_at_0": "",
        "expires_at_1": "",
        "issuer": "https://x.example",
    }
    assert admin.post(f"{LIST}{token.pk}/change/", changed).status_code == 302
    token.refresh_from_db()
    assert (token.label, token.is_active, token.used) == ("Former partner", False, 3)
    assert token.issuer == "https://as.example"
    assert Registrant().register(value).status_code == 401


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, "valid"),
        ({"is_active": False}, "disabled"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expired"),
        ({"uses": 2, "used": 2}, "used up"),
    ],
)
def test_its_state_is_in_words(admin: Browser, columns: Any, state: str) -> None:
    initial_access_token(**columns)
    assert f">{state}</span>" in admin.get(LIST).content.decode()


def test_deleting_one_leaves_its_clients(admin: Browser) -> None:
    token, value = initial_access_token()
    Registrant().registered(value)
    assert admin.post(f"{LIST}{token.pk}/delete/", {"post": "yes"}).status_code == 302
    client = Client.objects.get()
    assert client.initial_access_token is None
    assert client.registered_by == Client.RegisteredBy.INITIAL_ACCESS_TOKEN


def test_who_may_look_may_not_make_any(staff: Any) -> None:
    initial_access_token()
    viewer = staff("view_initialaccesstoken")
    assert viewer.get(LIST).status_code == 200
    assert viewer.post(f"{LIST}add/", PARTNER).status_code == 403
    assert staff().get(LIST).status_code == 403


class TestClients:
    """Who registered a client is said in words."""

    def test_in_the_list_and_on_its_page(self, admin: Browser) -> None:
        ClientFactory()
        Registrant().registered()
        Registrant().registered(initial_access_token(label="Partner 7")[1])
        page = admin.get(CLIENTS).content.decode()
        assert ">by the client itself</span>" in page
        assert ">with an initial access token</span>" in page
        client = Client.objects.get(registered_by=Client.RegisteredBy.INITIAL_ACCESS_TOKEN)
        assert "Partner 7" in admin.get(f"{CLIENTS}{client.pk}/change/").content.decode()

    @pytest.mark.parametrize("origin", Client.RegisteredBy.values)
    def test_they_are_found_by_it(self, admin: Browser, origin: str) -> None:
        ClientFactory()
        ClientFactory(registered_by=Client.RegisteredBy.PERSON)
        ClientFactory(registered_by=Client.RegisteredBy.DOCUMENT)
        Registrant().registered()
        Registrant().registered(initial_access_token()[1])
        found = admin.get(CLIENTS, {"registered_by__exact": origin}).context["cl"].result_list
        assert [one.registered_by for one in found] == [origin]

    def test_a_token_that_was_replaced_while_the_page_was_saved_stays_so(
        self, admin: Browser, monkeypatch: Any
    ) -> None:
        registrant = Registrant()
        registrant.registered()
        page, read = f"{CLIENTS}{registrant.row.pk}/change/", ClientAdmin.save_model
        form = admin.get(page).context["adminform"].form
        posted = {name: form[name].value() for name in form.fields if form[name].value() not in (None, [])}

        def save(*args: Any) -> None:
            registrant.update()
            read(*args)

        monkeypatch.setattr(ClientAdmin, "save_model", save)
        registrant.server = Browser()
        before = registrant.row.registration_digest
        assert admin.post(page, posted | {"client_name": "Diary"}).status_code == 302
        assert registrant.row.registration_digest != before
        assert registrant.row.metadata["client_name"] == "Diary"

    def test_what_is_said_in_a_language_survives_a_change(self, admin: Browser, staff: Any) -> None:
        registrant = Registrant()
        registrant.registered(**{"client_name#de": "Notizbuch"})
        page = f"{CLIENTS}{registrant.row.pk}/change/"
        assert "Name (de)" in staff("view_client").get(page).content.decode()
        form = admin.get(page).context["adminform"].form
        posted = {name: form[name].value() for name in form.fields if form[name].value() not in (None, [])}
        assert admin.post(page, posted | {"client_name": "Diary"}).status_code == 302
        assert registrant.row.metadata["client_name"] == "Diary"
        assert registrant.row.metadata["client_name#de"] == "Notizbuch"
        assert registrant.row.registered_by == Client.RegisteredBy.ITSELF
        assert registrant.manage("GET").json()["client_name"] == "Diary"
