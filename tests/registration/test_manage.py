"""Clients read, change and end what they registered (RFC 7592)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.grants.base import GrantType
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.protocol.opaque import REGISTRATION_TOKEN, generate
from django_oauth_server.signals import authorization_revoked
from tests.budgets.test_statements import statements
from tests.flow import Flow
from tests.registration.conftest import REGISTER, Registrant, initial_access_token, refused

pytestmark = pytest.mark.django_db


class Handshake(GrantType):
    """A grant type of a deployment's own, which says nothing of who is asked."""

    name = "urn:example:handshake"


@pytest.fixture
def registered(registrant: Registrant) -> Registrant:
    registrant.registered(grant_types=["authorization_code", "refresh_token"])
    return registrant


@pytest.mark.requirement(39)
@pytest.mark.spec("RFC 7592", "2.1")
def test_what_is_registered_can_be_read(registered: Registrant) -> None:
    response = registered.manage("GET")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    once = {"client_secret", "client_secret_expires_at"}
    assert response.json() == {name: value for name, value in registered.information.items() if name not in once}


@pytest.mark.spec("RFC 7592", "2.2")
def test_the_whole_document_is_replaced(registered: Registrant) -> None:
    registered.update(client_name="Diary", client_uri="https://client.example/")
    answered = registered.manage("PUT", registered.document | {"client_name": "Journal"}).json()
    assert answered["client_name"] == "Journal"
    assert "client_uri" not in answered
    assert registered.row.metadata["client_name"] == "Journal"
    assert "client_uri" not in registered.row.metadata
    assert "client_secret" not in answered


def test_what_only_the_server_says_is_ignored(registered: Registrant) -> None:
    before = registered.row
    sent_back = registered.information | {"client_id_issued_at": 1, "registration_client_uri": "https://evil.example/"}
    assert registered.manage("PUT", sent_back).status_code == 200
    assert registered.row.created_at == before.created_at
    assert registered.row.metadata == before.metadata


@pytest.mark.spec("RFC 7592", "2.2")
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"client_id": "another"}, "invalid_client_metadata", "client_id"),
        ({"client_id": None}, "invalid_client_metadata", "client_id"),
        ({"client_secret": "chosen"}, "invalid_client_metadata", "cannot choose"),
        ({"client_secret": ""}, "invalid_client_metadata", "cannot choose"),
        ({"client_secret": ["x"]}, "invalid_client_metadata", "cannot choose"),
        ({"redirect_uris": ["https://client.example/#x"]}, "invalid_redirect_uri", "fragment"),
        ({"grant_types": ["client_credentials"], "response_types": []}, "invalid_client_metadata", "not offered"),
    ],
)
def test_what_cannot_be_changed(registered: Registrant, changes: Any, error: str, words: str) -> None:
    before = Client.objects.values().get()
    refused(registered.update(**changes), 400, error, words)
    assert Client.objects.values().get() == before


def test_a_body_that_is_no_json_object(registered: Registrant) -> None:
    refused(registered.manage("PUT", b"[]"), 400, "invalid_request")
    refused(registered.manage("PUT"), 400, "invalid_request")


def test_a_client_that_turns_public_and_back_gets_a_new_secret(registered: Registrant) -> None:
    old = registered.information["client_secret"]
    public = registered.update(token_endpoint_auth_method="none")
    assert "client_secret" not in public.json()
    assert not registered.row.has_secret(old, timezone.now())
    again = registered.update(token=public.json()["registration_access_token"])
    assert again.json()["client_secret_expires_at"] == 0
    assert registered.row.has_secret(again.json()["client_secret"], timezone.now())


class TestPrivileges:
    """What an operator gave a client, it keeps; it gets no more."""

    def test_it_keeps_them(self, registered: Registrant) -> None:
        given = {
            "grant_types": ["authorization_code", "client_credentials"],
            "resource_identifiers": ["https://api.example/notes"],
        }
        client = registered.row
        client.metadata |= given
        client.save()
        answered = registered.manage("PUT", registered.manage("GET").json() | {"resource_identifiers": []})
        assert answered.status_code == 200
        assert {name: registered.row.metadata[name] for name in given} == given

    def test_and_turns_public_with_none_of_them(self, registered: Registrant) -> None:
        client = registered.row
        client.metadata |= {"resource_identifiers": ["https://api.example/notes"]}
        client.save()
        response = registered.update(token_endpoint_auth_method="none")
        refused(response, 400, "invalid_client_metadata", "resource_identifiers")

    def test_an_app_of_the_sites_own_stays_one_that_can_be_told_from_others(self, registered: Registrant) -> None:
        Client.objects.update(skip_consent=True)
        turned = {"token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/"]}
        refused(registered.update(**turned), 400, "invalid_client_metadata", "skip_consent")

    @pytest.mark.spec("OpenID Connect Core", "8.1")
    def test_for_no_other_identifiers_of_people(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
            "pairwise_salt": "a salt that nobody outside of these tests knows"
        }
        registrant.registered(scope="openid", subject_type="pairwise")
        Client.objects.update(skip_consent=True)
        refused(registrant.update(subject_type="public"), 400, "invalid_client_metadata", "other identifiers")
        assert registrant.update(client_name="Diary").status_code == 200

    def test_for_no_answers_that_anybody_on_the_way_can_read(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
        registrant.registered()
        Client.objects.update(skip_consent=True)
        refused(registrant.update(redirect_uris=["http://client.example/callback"]), 400, "invalid_redirect_uri")

    @pytest.mark.spec("RFC 7591", "5")
    @pytest.mark.parametrize("privilege", ["skip_consent", "client_credentials", "password", Handshake.name])
    def test_for_no_scope_that_nobody_is_asked_about(
        self, registrant: Registrant, privilege: str, settings: Any
    ) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
            "profile": "legacy",
            "components": [f"{__name__}.Handshake"],
        }
        registrant.registered(scope="notes:read")
        client = registrant.row
        client.skip_consent = privilege == "skip_consent"
        if not client.skip_consent:
            client.metadata["grant_types"] = ["authorization_code", privilege]
        client.save()
        refused(registrant.update(scope="notes:read notes:write"), 400, "invalid_client_metadata", "notes:write")
        assert registrant.update(scope="notes:read", client_name="Diary").status_code == 200

    @pytest.mark.spec("RFC 7591", "5")
    def test_nor_together_with_the_grant_type_that_asks_nobody(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [f"{__name__}.Handshake"]}
        registrant.registered(scope="notes:read")
        wider = {"scope": "notes:read notes:write", "grant_types": ["authorization_code", Handshake.name]}
        refused(registrant.update(**wider), 400, "invalid_client_metadata", "notes:write")

    @pytest.mark.spec("RFC 7591", "5")
    def test_scopes_that_people_are_asked_about_it_adds_by_itself(self, registered: Registrant) -> None:
        assert registered.update(scope="notes:read notes:write").json()["scope"] == "notes:read notes:write"

    def test_its_profile_goes_on_binding_it(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
        registrant.registered(initial_access_token(profile="oauth2_1")[1])
        response = registrant.update(grant_types=["implicit"], response_types=["id_token"])
        refused(response, 400, "invalid_client_metadata", "not offered")


class TestToken:
    """The registration access token, and how it is replaced."""

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_nobody_else_gets_in(self, registered: Registrant, method: str) -> None:
        other = Registrant()
        other.registered()
        tokens = {
            "none": "",
            "made up": generate(REGISTRATION_TOKEN),
            "another client's": other.information["registration_access_token"],
            "the secret": registered.information["client_secret"],
        }
        for token in tokens.values():
            response = registered.manage(method, registered.document, token=token)
            refused(response, 401, "invalid_token")
            assert response["WWW-Authenticate"].startswith('Bearer realm="oauth"')
            assert ("error=" in response["WWW-Authenticate"]) is bool(token)
        assert Client.objects.count() == 2

    def test_an_address_that_is_made_up_writes_no_line_of_its_own_into_the_log(
        self, registrant: Registrant, caplog: pytest.LogCaptureFixture
    ) -> None:
        registrant.call("GET", f"{REGISTER}/x%0Arefused%20at%20nowhere%1b[2J")
        written = [record.getMessage() for record in caplog.records if record.name == "django_oauth_server"]
        assert len(written) == 1 and written[0].isprintable()
        assert r"x\nrefused at" in written[0]

    def test_a_client_that_is_not_there_is_as_one_that_is(self, registered: Registrant) -> None:
        token = registered.information["registration_access_token"]
        answers = [
            registered.call("GET", f"{REGISTER}/{client_id}", token=token)
            for client_id in ("nobody", "x" * 300, "%00", registered.row.client_id.upper())
        ]
        assert {one.status_code for one in answers} == {401}

    def test_a_client_that_was_not_registered_so_has_none(self, registered: Registrant) -> None:
        Client.objects.update(registration_digest="")
        refused(registered.manage("GET"), 401, "invalid_token")

    def test_a_disabled_client_manages_nothing(self, registered: Registrant) -> None:
        Client.objects.update(is_active=False)
        for method in ("GET", "PUT", "DELETE"):
            refused(registered.manage(method, registered.document), 401, "invalid_token")

    def test_reading_does_not_change_it(self, registered: Registrant) -> None:
        tokens = {registered.manage("GET").json()["registration_access_token"] for _ in range(2)}
        assert tokens == {registered.information["registration_access_token"]}

    @pytest.mark.spec("RFC 7592", "3")
    def test_changing_hands_out_a_new_one(self, registered: Registrant) -> None:
        old = registered.information["registration_access_token"]
        new = registered.update().json()["registration_access_token"]
        assert new != old
        assert registered.manage("GET", token=new).status_code == 200
        refused(registered.manage("GET", token=old), 401, "invalid_token")

    def test_the_old_one_works_until_the_new_one_was_used(self, registered: Registrant) -> None:
        old = registered.information["registration_access_token"]
        registered.update()  # and the answer is lost
        assert registered.manage("GET", token=old).status_code == 200
        registered.update(token=old)
        new = registered.update(token=old).json()["registration_access_token"]
        assert registered.manage("GET", token=new).status_code == 200
        refused(registered.update(token=old), 401, "invalid_token")

    def test_whoever_asks_again_is_given_the_same(self, registered: Registrant) -> None:
        answers = [registered.update().json()["registration_access_token"] for _ in range(3)]
        assert len(set(answers)) == 1

    def test_a_change_by_the_new_one_ends_the_old_one(self, registered: Registrant) -> None:
        old = registered.information["registration_access_token"]
        second = registered.update().json()["registration_access_token"]
        third = registered.update(token=second).json()["registration_access_token"]
        assert len({old, second, third}) == 3
        refused(registered.manage("GET", token=old), 401, "invalid_token")
        assert registered.manage("GET", token=second).status_code == 200
        assert registered.manage("GET", token=third).status_code == 200

    def test_a_refusal_changes_nothing(self, registered: Registrant) -> None:
        registered.update(client_name=7)
        assert registered.manage("GET").status_code == 200
        assert registered.row.previous_registration_digest == ""

    def test_no_token_is_stored_or_opens_anything_else(self, registered: Registrant) -> None:
        token = registered.information["registration_access_token"]
        new = registered.update().json()["registration_access_token"]
        stored = str(Client.objects.values())
        assert token not in stored
        assert new not in stored
        refused(registered.register(token), 401, "invalid_token")

    def test_it_is_read_from_the_header_alone(self, registered: Registrant) -> None:
        token = registered.information["registration_access_token"]
        path = f"{REGISTER}/{registered.information['client_id']}?access_token={token}"
        refused(registered.call("GET", path), 401, "invalid_token")

    @pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Basic x", "Bearer \x7f"])
    def test_a_broken_header(self, registered: Registrant, header: str) -> None:
        path = f"{REGISTER}/{registered.information['client_id']}"
        response = registered.server.get(path, headers={"Authorization": header})
        assert response.status_code in {400, 401}
        assert response.json()["error"] in {"invalid_request", "invalid_token"}


@contextmanager
def revocations_told() -> Iterator[list[Authorization]]:
    """Those of which other code hears meanwhile."""
    told: list[Authorization] = []

    def note(authorization: Authorization, **_: Any) -> None:
        told.append(authorization)

    authorization_revoked.connect(note)
    yield told
    authorization_revoked.disconnect(note)


class TestDelete:
    """RFC 7592 section 2.3."""

    @pytest.mark.requirement(39)
    def test_there_is_nothing_left_to_say(self, registered: Registrant) -> None:
        response = registered.manage("DELETE")
        assert (response.status_code, response.content) == (204, b"")
        assert response["Cache-Control"] == "no-store"
        assert not Client.objects.exists()

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_a_client_that_is_gone_gets_in_no_more(self, registered: Registrant, method: str) -> None:
        registered.manage("DELETE")
        refused(registered.manage(method, registered.document), 401, "invalid_token")

    @pytest.mark.parametrize("access_token_format", ["opaque", "at+jwt"])
    def test_everything_of_it_ends(
        self,
        registered: Registrant,
        browser: Browser,
        django_capture_on_commit_callbacks: Any,
        access_token_format: str,
    ) -> None:
        Client.objects.update(access_token_format=access_token_format)
        flow = Flow(registered.row, browser)
        flow.client.secret = registered.information["client_secret"]
        tokens, code = flow.tokens(scope="openid"), flow.code(scope="openid")
        assert self.userinfo(tokens["access_token"]).status_code == 200
        with revocations_told() as told, django_capture_on_commit_callbacks(execute=True):
            registered.manage("DELETE")
        assert len(told) == 1
        assert not Authorization.objects.exists()
        assert not Token.objects.exists()
        assert self.userinfo(tokens["access_token"]).status_code == 401
        for response in (flow.refresh(tokens["refresh_token"]), flow.exchange(code)):
            assert response.json()["error"] == "invalid_client"
        assert flow.authorize(scope="openid").status_code == 400

    def userinfo(self, token: str) -> Any:
        return Browser().get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})


class TestStatements:
    """What each request costs the database."""

    def test_registering(self, registrant: Registrant) -> None:
        with statements() as made:
            registrant.registered()
        assert made == ["INSERT client", "UPDATE revocation"]

    def test_registering_with_an_initial_access_token(self, registrant: Registrant) -> None:
        value = initial_access_token()[1]
        with statements() as made:
            registrant.registered(value)
        counted = ["SELECT initialaccesstoken", "UPDATE initialaccesstoken"]
        assert made == [*counted, "INSERT client", "UPDATE revocation"]

    def test_reading(self, registered: Registrant) -> None:
        with statements() as made:
            registered.manage("GET")
        assert made == ["SELECT client"]

    def test_changing(self, registered: Registrant) -> None:
        with statements() as made:
            registered.update()
        assert made == [
            "SELECT client",
            "SELECT client",
            "UPDATE client",
        ]  # the second for the sector, which may change


def test_a_client_that_is_deleted_while_it_changes_is_unknown(registered: Registrant) -> None:
    def delete_first(execute: Any, sql: str, *more: Any) -> Any:
        read.append(sql)
        if len(read) == 2:  # the client was authenticated, and is about to be compared with what is stored
            Client.objects.all()._raw_delete("default")
        return execute(sql, *more)

    read: list[str] = []
    with connection.execute_wrapper(delete_first):
        response = registered.update(client_name="Journal")
    refused(response, 401, "invalid_token")
    assert not Client.objects.exists()
