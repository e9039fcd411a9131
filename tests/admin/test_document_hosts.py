"""An operator blocks hosts of documents, vouches for them, and changes their mind. What it does is said before it is done."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.document_host import DocumentHost
from tests.factories import AuthorizationFactory, ClientFactory

ADMIN = "/admin/django_oauth_server/"
HOSTS = f"{ADMIN}documenthost/"
CLIENTS = f"{ADMIN}client/"
ISSUER = "https://as.example"


@pytest.fixture
def described(db: None) -> Client:
    """A client that a document describes, and that one person allows something."""
    client: Client = ClientFactory(
        client_id="https://apps.example/client.json",
        metadata__client_name="Almanac",
        registered_by="document",
        source="client_id_metadata_document",
    )
    AuthorizationFactory(client=client)
    return client


@pytest.fixture
def vouched(described: Client) -> DocumentHost:
    return DocumentHost.objects.create(issuer=ISSUER, host="apps.example", verdict="vouched")


def act(browser: Browser, row: Any, action: str, **more: str) -> HttpResponse:
    place = CLIENTS if isinstance(row, Client) else HOSTS
    return browser.post(place, {"action": action, "_selected_action": row.pk, "index": 0} | more)  # type: ignore[return-value]


def add(browser: Browser, **entered: str) -> HttpResponse:
    return browser.post(f"{HOSTS}add/", {"issuer": ISSUER, "note": "", **entered})  # type: ignore[return-value]


def is_live(client: Client) -> bool:
    return Authorization.objects.filter(client=client, is_live=True).exists()


class TestAdding:
    def test_blocking_is_asked_first_and_says_what_it_ends(self, admin: Browser, described: Client) -> None:
        page = add(admin, host="apps.example", verdict="blocked")
        assert "1 person will be signed out of this app." in page.content.decode()
        assert is_live(described) and not DocumentHost.objects.exists()

    def test_once_confirmed_the_host_is_blocked(self, admin: Browser, described: Client) -> None:
        assert add(admin, host="APPS.example.", verdict="blocked", confirmed="Block").status_code == 302
        assert DocumentHost.objects.get().host == "apps.example"
        assert not is_live(described)

    def test_the_question_sends_back_what_was_entered(self, admin: Browser, described: Client) -> None:
        page = add(admin, host="apps.example", verdict="blocked", note='"><script>').content.decode()
        assert '<input type="hidden" name="note" value="&quot;&gt;&lt;script&gt;">' in page

    def test_vouching_ends_nothing(self, admin: Browser, described: Client) -> None:
        assert add(admin, host="apps.example", verdict="vouched").status_code == 302
        assert DocumentHost.objects.get().verdict == "vouched"
        assert is_live(described)

    @pytest.mark.parametrize("host", ["*.example", "apps.example:8443", "a b"])
    def test_what_is_no_host_is_refused_with_what_to_enter(self, admin: Browser, host: str) -> None:
        assert "Enter the name of a host" in add(admin, host=host, verdict="blocked").content.decode()

    def test_a_host_is_there_once(self, admin: Browser, vouched: DocumentHost) -> None:
        page = add(admin, host="apps.example", verdict="blocked")
        assert "already exists" in page.content.decode()
        assert DocumentHost.objects.get().verdict == "vouched"


class TestChanging:
    def test_a_vouched_host_is_blocked_after_a_question(self, admin: Browser, vouched: DocumentHost) -> None:
        assert "1 person will be signed out" in act(admin, vouched, "block").content.decode()
        assert Authorization.objects.filter(is_live=True).exists()
        act(admin, vouched, "block", confirmed="yes")
        vouched.refresh_from_db()
        assert vouched.verdict == "blocked"
        assert not Authorization.objects.filter(is_live=True).exists()

    def test_a_blocked_host_is_vouched_for(self, admin: Browser) -> None:
        host = DocumentHost.objects.create(issuer=ISSUER, host="apps.example", verdict="blocked")
        assert "no longer warned" in act(admin, host, "vouch").content.decode()
        act(admin, host, "vouch", confirmed="yes")
        host.refresh_from_db()
        assert host.verdict == "vouched"

    def test_who_no_longer_vouches_is_told_how_many_people_are_asked_anew(
        self, admin: Browser, vouched: DocumentHost
    ) -> None:
        page = act(admin, vouched, "forget").content.decode()
        assert "1 person who allowed apps that you no longer vouch for is warned and asked again" in page
        act(admin, vouched, "forget", confirmed="yes")
        assert not DocumentHost.objects.exists()
        assert Authorization.objects.filter(is_live=True).exists()

    def test_who_no_longer_vouches_below_a_blocked_host_is_told_what_ends(
        self, admin: Browser, vouched: DocumentHost, described: Client
    ) -> None:
        DocumentHost.objects.create(issuer=ISSUER, host="example", verdict="blocked")
        page = act(admin, vouched, "forget").content.decode()
        assert "1 person will be signed out of this app." in page and "asked again" not in page
        act(admin, vouched, "forget", confirmed="yes")
        assert not is_live(described)

    def test_the_note_is_all_that_the_form_changes(self, admin: Browser, vouched: DocumentHost) -> None:
        entered = {"note": "ours", "verdict": "blocked", "host": "other.example"}
        assert admin.post(f"{HOSTS}{vouched.pk}/change/", entered).status_code == 302
        vouched.refresh_from_db()
        assert (vouched.note, vouched.verdict, vouched.host) == ("ours", "vouched", "apps.example")

    def test_the_history_says_who_did_it(self, admin: Browser, vouched: DocumentHost) -> None:
        act(admin, vouched, "block", confirmed="yes")
        entry = LogEntry.objects.get(object_id=str(vouched.pk))
        assert (entry.get_change_message(), entry.user.get_username()) == ("Blocked.", "root")

    @pytest.mark.parametrize("action", ["block", "vouch", "forget"])
    def test_who_may_only_look_does_nothing(self, staff: Any, vouched: DocumentHost, action: str) -> None:
        browser = staff("view_documenthost")
        assert browser.get(f"{HOSTS}{vouched.pk}/change/").status_code == 200
        act(browser, vouched, action, confirmed="yes")
        vouched.refresh_from_db()
        assert vouched.verdict == "vouched"

    def test_none_is_deleted_without_a_word(self, admin: Browser, vouched: DocumentHost) -> None:
        assert admin.post(f"{HOSTS}{vouched.pk}/delete/", {"post": "yes"}).status_code == 403
        assert "delete_selected" not in admin.get(HOSTS).content.decode()


class TestFromTheClientsPage:
    def test_it_says_where_the_client_comes_from_and_what_is_said_of_the_host(
        self, admin: Browser, described: Client
    ) -> None:
        page = admin.get(f"{CLIENTS}{described.pk}/change/").content.decode()
        assert 'href="https://apps.example/client.json" rel="noopener noreferrer nofollow"' in page
        assert "nobody vouches for it" in page
        assert 'value="block_hosts"' in page and 'value="vouch_for_hosts"' in page

    def test_lists_name_the_host_beside_the_name_that_the_client_claims(
        self, admin: Browser, described: Client
    ) -> None:
        for place in (CLIENTS, f"{ADMIN}authorization/"):
            assert "Almanac (apps.example)" in admin.get(place).content.decode()

    def test_its_host_is_blocked(self, admin: Browser, described: Client) -> None:
        assert "1 person will be signed out" in act(admin, described, "block_hosts").content.decode()
        act(admin, described, "block_hosts", confirmed="yes")
        assert DocumentHost.objects.get().verdict == "blocked"
        assert not is_live(described)

    @pytest.mark.parametrize("policy", ["off", "listed", "open"])
    def test_its_state_is_whether_its_document_is_accepted(
        self, admin: Browser, described: Client, settings: Any, policy: str
    ) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": {"policy": policy}}
        page = f"{CLIENTS}{described.pk}/change/"
        assert (">not accepted<" in admin.get(page).content.decode()) is (policy != "open")
        act(admin, described, "block_hosts", confirmed="yes")
        told = admin.get(page).content.decode()
        assert ">not accepted<" in told and ">not accepted<" in admin.get(CLIENTS).content.decode()
        assert policy == "off" or "has blocked clients whose document is at apps.example" in told

    def test_its_host_is_vouched_for(self, admin: Browser, described: Client) -> None:
        act(admin, described, "vouch_for_hosts", confirmed="yes")
        assert (DocumentHost.objects.get().host, DocumentHost.objects.get().verdict) == ("apps.example", "vouched")
        page = admin.get(f"{CLIENTS}{described.pk}/change/").content.decode()
        assert "vouched for" in page and 'value="vouch_for_hosts"' not in page

    def test_who_may_not_judge_hosts_is_offered_nothing(self, staff: Any, described: Client) -> None:
        browser = staff("view_client", "change_client", "change_documenthost")
        assert "block_hosts" not in browser.get(f"{CLIENTS}{described.pk}/change/").content.decode()
        act(browser, described, "block_hosts", confirmed="yes")
        assert not DocumentHost.objects.exists()

    def test_clients_that_no_document_describes_have_no_host(self, admin: Browser) -> None:
        client = ClientFactory()
        assert (
            "block_hosts" not in admin.get(f"{CLIENTS}{client.pk}/change/").content.decode().split("oauth-actions")[-1]
        )
        act(admin, client, "block_hosts", confirmed="yes")
        assert not DocumentHost.objects.exists()

    def test_what_the_document_says_is_not_for_operators_to_change(self, admin: Browser, described: Client) -> None:
        entered = {
            "client_name": "Mine",
            "skip_consent": "on",
            "owner": "1",
            "access_token_lifetime": "00:05:00",
            "access_token_format": "",
            "refresh_token_lifetime": "",
            "profile": "",
        }
        form = admin.get(f"{CLIENTS}{described.pk}/change/").context["adminform"].form
        assert {"access_token_lifetime", "refresh_token_lifetime", "profile"} <= form.fields.keys()
        assert form.fields.keys().isdisjoint({"client_name", "skip_consent", "owner"})
        assert admin.post(f"{CLIENTS}{described.pk}/change/", entered).status_code == 302
        row = Client.objects.get(pk=described.pk)
        assert (row.metadata["client_name"], row.skip_consent, row.owner_id) == ("Almanac", False, None)
        assert row.access_token_lifetime is not None


@pytest.mark.parametrize("client_id", ["https://apps.example/client.json", "HTTPS://apps.example/"])
def test_an_id_that_is_an_address_is_no_operators_to_give(admin: Browser, client_id: str) -> None:
    entered = {"client_id": client_id, "client_name": "Mine", "redirect_uris": "https://mine.example/cb"}
    page = admin.post(f"{CLIENTS}add/?kind=web", entered)
    assert "It must not begin with https://" in page.content.decode()
    assert not Client.objects.exists()
