"""Clients that documents describe, through the front door (draft-ietf-oauth-client-id-metadata-document)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server import outbound
from django_oauth_server.clients import documents
from django_oauth_server.clients.documents import KEYS_KEPT, MOST_BYTES, PAUSE, STALE, USUAL
from django_oauth_server.clients.registration import new_client_id
from django_oauth_server.conf import Policy
from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.models.document_host import DocumentHost as Row
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.outbound import allowances
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.templatetags.oauth_server import signing_in_for
from tests.assertions import KEY, assertion, jwks, proof
from tests.clients.document_host import DocumentHost
from tests.factories import ClientFactory, TokenFactory
from tests.flow import Flow, answered
from tests.logout.conftest import press, signed_in
from tests.outbound.server import WebServer, as_json

pytestmark = pytest.mark.django_db

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FORM = "application/x-www-form-urlencoded"
NEXT = SigningKeyPair.generate("ES256")
Later = Callable[[float], None]


@pytest.fixture(scope="module")
def _server(certificate: Path) -> Iterator[WebServer]:
    server = WebServer(certificate)
    yield server
    server.stop()


@pytest.fixture
def host(_server: WebServer, certificate: Path, settings: Any) -> DocumentHost:
    _server.pages.clear()
    _server.calls.clear()
    _server.connected.clear()
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "client_id_metadata_documents": {"policy": "open"},
        "outbound_private_hosts": [f"localhost:{_server.port}"],
        "outbound_ca_bundle": str(certificate),
    }
    return DocumentHost(_server)


@pytest.fixture
def flow(host: DocumentHost, browser: Browser) -> Flow:
    return Flow(host.client(), browser)


def judge(settings: Any, **said: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": said}


def post(path: str, **params: str) -> Any:
    return Browser().post(path, urlencode(params), content_type=FORM)


def ask(client_id: str, **params: str) -> Any:
    """A visit of somebody who is not signed in."""
    request = {"response_type": "code", "client_id": client_id, "code_challenge": "c" * 43} | params
    return Browser().get("/oauth/authorize", request)


def seen(page: Any) -> str:
    """What somebody reads who is shown *page*."""
    return unescape(re.sub(r"<[^>]+>", "", page.content.decode()))


def is_known(client_id: str) -> bool:
    """The logo of a client is shown, and of nobody else."""
    return Browser().get("/oauth/logo", {"client_id": client_id}).status_code == 200


class TestItIsAClient:
    def test_a_person_allows_it_and_it_is_given_tokens(self, flow: Flow, host: DocumentHost) -> None:
        tokens = flow.tokens(scope="notes:read")
        assert flow.refresh(tokens["refresh_token"]).status_code == 200
        row = Client.objects.get()
        assert row.client_id == host.url()
        assert (row.source, row.registered_by) == ("client_id_metadata_document", "document")
        assert host.asked() == 1

    def test_it_has_no_row_before_a_person_allows_it_something(self, flow: Flow) -> None:
        page = flow.authorize()
        assert "Almanac" in seen(page)
        assert not Client.objects.exists()
        assert answered(flow.decide(page, "deny"))["error"] == "access_denied"
        assert not Client.objects.exists()
        assert answered(flow.decide(flow.authorize()))["code"]
        assert Client.objects.exists()

    @pytest.mark.spec("Client ID Metadata Document", "6")
    def test_metadata_says_so(self, host: DocumentHost) -> None:
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            assert Browser().get(path).json()["client_id_metadata_document_supported"] is True

    def test_it_is_off_unless_it_is_switched_on(self, flow: Flow, host: DocumentHost, settings: Any) -> None:
        judge(settings)
        refused = flow.authorize()
        assert refused.status_code == 400
        assert b"does not accept client ID metadata documents" in refused.content
        assert host.asked() == 0
        metadata = Browser().get("/.well-known/oauth-authorization-server").json()
        assert "client_id_metadata_document_supported" not in metadata

    @pytest.mark.spec("MCP", "client-id-metadata-documents")
    @pytest.mark.spec("Client ID Metadata Document", "4.2")
    def test_only_the_redirect_uris_of_the_document_are_answered(self, flow: Flow) -> None:
        assert flow.authorize(redirect_uri="https://localhost/elsewhere").status_code == 400

    def test_it_has_no_secret_and_no_privilege(self, host: DocumentHost, browser: Browser) -> None:
        flow = Flow(
            host.client(grant_types=["authorization_code", "client_credentials"], claims_in_id_token=True), browser
        )
        flow.tokens(scope="notes:read")
        metadata = Client.objects.get().metadata
        assert metadata["grant_types"] == ["authorization_code"]
        assert "claims_in_id_token" not in metadata

    @pytest.mark.parametrize("method", [None, "", "none"])
    def test_without_a_word_of_its_method_it_is_a_public_client(
        self, host: DocumentHost, browser: Browser, method: Any
    ) -> None:
        flow = Flow(host.client(), browser)
        host.say(token_endpoint_auth_method=method)
        assert flow.tokens()["token_type"] == "Bearer"

    @pytest.mark.spec("Client ID Metadata Document", "7.1")
    def test_no_client_that_is_registered_here_is_given_such_an_id(self) -> None:
        assert not new_client_id().startswith("https:")

    @pytest.mark.spec("Client ID Metadata Document", "7.1")
    def test_a_client_that_was_registered_under_the_address_is_not_taken_over(
        self, host: DocumentHost, browser: Browser
    ) -> None:
        flow = Flow(ClientFactory(client_id=host.say()), browser)
        assert flow.tokens()["token_type"] == "Bearer"
        assert host.asked() == 0


class TestWhatItSays:
    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"client_id": None}, "client_id: it must be the address"),
            ({"client_id": 7}, "client_id: it must be the address"),
            ({"client_id": "https://other.example/client.json"}, "client_id: it must be the address"),
            ({"redirect_uris": None}, "redirect_uris: "),
            ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris: "),
            ({"redirect_uris": ["https://app.example/#x"]}, "redirect_uris: "),
            ({"redirect_uris": "https://app.example/"}, "redirect_uris: "),
            ({"client_name": "Goo\u202egle"}, "client_name: "),
            ({"logo_uri": "javascript:alert(1)"}, "logo_uri: "),
            ({"scope": 7}, "scope: "),
            ({"scope": [7]}, "scope: "),
            ({"scope": ["notes:read"]}, "scope: "),
        ],
    )
    @pytest.mark.spec("Client ID Metadata Document", "4")
    def test_is_judged_as_a_registration(self, host: DocumentHost, changes: dict[str, Any], told: str) -> None:
        client_id = host.say(**changes)
        page = ask(client_id)
        assert page.status_code == 400
        assert told in seen(page)
        assert not Client.objects.exists()

    @pytest.mark.spec("MCP", "client-id-metadata-documents")
    @pytest.mark.spec("Client ID Metadata Document", "4")
    @pytest.mark.parametrize(
        "spelled", [str.upper, lambda one: one + "/", lambda one: one + "?", lambda one: one + " "]
    )
    def test_its_client_id_is_compared_character_by_character(self, host: DocumentHost, spelled: Any) -> None:
        client_id = host.say(client_id=spelled(host.url()))
        assert b"character by character" in ask(client_id).content

    @pytest.mark.spec("Client ID Metadata Document", "4.1")
    @pytest.mark.parametrize(
        "changes",
        [
            {"client_secret": "s"},
            {"client_secret": None, "client_secret_expires_at": 0},
            {"token_endpoint_auth_method": "client_secret_basic"},
            {"token_endpoint_auth_method": "client_secret_post"},
            {"token_endpoint_auth_method": "client_secret_jwt"},
            {"id_token_signed_response_alg": "HS256"},
        ],
    )
    def test_holds_no_secret(self, host: DocumentHost, changes: dict[str, Any], settings: Any) -> None:
        client_id = host.say(**changes)
        assert b"secret" in ask(client_id).content
        assert not is_known(client_id)

    @pytest.mark.spec("Client ID Metadata Document", "4.1")
    def test_holds_no_private_key(self, host: DocumentHost) -> None:
        private = {"keys": [jwks(KEY)["keys"][0] | {"d": "AQAB"}]}
        client_id = host.say(token_endpoint_auth_method="private_key_jwt", jwks=private)
        assert b"private or symmetric key" in ask(client_id).content

    @pytest.mark.spec("Client ID Metadata Document", "5", "8.7")
    @pytest.mark.parametrize(
        ("status", "headers", "body", "told"),
        [
            (301, {"Location": "/other.json"}, b"", "redirects are not followed"),
            (302, {"Location": "https://app.example/"}, b"", "redirects are not followed"),
            (308, {"Location": "/other.json"}, b"", "redirects are not followed"),
            (404, {}, b"{}", "answers 404"),
            (403, {}, b"{}", "answers 403"),
            (201, {}, None, "answers 201"),
            (206, {}, None, "answers 206"),
            (500, {}, b"", "does not answer"),
            (429, {}, b"", "does not answer"),
            (200, {"Content-Type": "text/html"}, None, "Content-Type"),
            (200, {"Content-Type": "image/svg+xml"}, None, "Content-Type"),
            (200, {"Content-Type": ""}, None, "Content-Type"),
            (200, {}, b"", "JSON object"),
            (200, {}, b"[]", "JSON object"),
            (200, {}, b"{} {}", "JSON object"),
            (200, {}, b'{"client_id": "a", "client_id": "b"}', "JSON object"),
            (200, {}, b"\xff\xfe{\x00}\x00", "JSON object"),
            (200, {}, b"[" * MOST_BYTES, "JSON object"),
            (200, {}, b" " * (MOST_BYTES + 1), "larger than 5120 bytes"),
            (200, {"Content-Length": "5000000000"}, b" " * (MOST_BYTES + 1), "larger than 5120 bytes"),
        ],
    )
    def test_is_the_answer_itself(
        self, host: DocumentHost, status: int, headers: dict[str, str], body: bytes | None, told: str
    ) -> None:
        client_id = host.say()
        good = host.server.pages["/client.json"][2]
        host.server.pages["/other.json"] = host.server.pages["/client.json"]
        said = good if body is None else body
        host.server.pages["/client.json"] = (status, {"Content-Type": "application/json"} | headers, said)
        assert told in ask(client_id).content.decode()
        assert host.asked("/other.json") == 0

    @pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/cimd+json"])
    def test_is_json_of_any_kind(self, host: DocumentHost, kind: str) -> None:
        client_id = host.say(headers={"Content_Type": kind})
        assert is_known(client_id)

    @pytest.mark.spec("Client ID Metadata Document", "8.7")
    def test_may_be_as_long_as_is_recommended(self, host: DocumentHost) -> None:
        document = json.dumps(host.document()).encode()
        client_id = host.say()
        host.server.pages["/client.json"] = (200, {"Content-Type": "application/json"}, document.ljust(MOST_BYTES))
        assert is_known(client_id)

    @pytest.mark.spec("MCP", "authorization-server-abuse-protection")
    @pytest.mark.spec("Client ID Metadata Document", "8.6")
    def test_is_not_looked_for_inside_networks(self, host: DocumentHost, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": []}
        page = ask(host.say()).content.decode()
        assert "not a host on the internet that this server may ask" in page
        assert "127.0.0.1" not in page
        assert host.asked() == 0

    @pytest.mark.spec("Client ID Metadata Document", "8.6")
    def test_is_not_looked_for_at_this_server(self, host: DocumentHost) -> None:
        assert b"that this server may ask" in ask("https://as.example/client.json").content

    @pytest.mark.spec("Client ID Metadata Document", "3")
    @pytest.mark.parametrize(
        ("spelled", "told"),
        [
            ("https://app.example", "path"),
            ("http://localhost/client.json", "https address"),
            ("https://app.example/../client", "segments"),
            ("https://203.0.113.7/client", "has a name"),
            ("https://app.example/" + "a" * 300, "255 characters"),
        ],
    )
    def test_is_not_looked_for_where_none_can_be(self, host: DocumentHost, spelled: str, told: str) -> None:
        assert told in ask(spelled).content.decode()

    @pytest.mark.spec("Client ID Metadata Document", "3")
    @pytest.mark.parametrize(
        ("part", "spelled"),
        [
            ("https://", "https://me@"),
            ("https://", "http://"),
            ("https:", "HTTPS:"),
            ("localhost", "LOCALHOST"),
            ("localhost", "127.0.0.1"),
            ("/client.json", "/./client.json"),
            ("/client.json", "/a/../client.json"),
            ("/client.json", "/client.json#top"),
            ("/client.json", ""),
        ],
    )
    def test_is_not_asked_for_by_another_spelling(self, host: DocumentHost, part: str, spelled: str) -> None:
        assert ask(host.say().replace(part, spelled)).status_code == 400
        assert not host.server.connected


class TestWhereItCannotBeUsed:
    """Every endpoint that looks a client up says that nobody is known, and why where a developer sees it."""

    @pytest.fixture
    def broken(self, host: DocumentHost) -> str:
        return host.say(client_id="https://other.example/")

    @pytest.mark.spec("Client ID Metadata Document", "5.1")
    def test_machines_are_told_why(self, broken: str) -> None:
        for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/oauth/device_authorization"):
            refused = post(path, client_id=broken, grant_type="authorization_code", code="c", token="t", scope="x")
            assert refused.status_code == 401, path
            assert refused.json()["error"] == "invalid_client", path
            assert "client_id: it must be the address" in refused.json()["error_description"], path

    @pytest.mark.spec("Client ID Metadata Document", "5.1")
    def test_pages_know_nobody(self, broken: str) -> None:
        assert not is_known(broken)
        assert Browser().get(f"/oauth/start/{broken}").status_code == 404
        assert b"Almanac" not in Browser().get("/oauth/end-session", {"client_id": broken}).content

    def test_nobody_manages_its_registration(self, flow: Flow, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "open"}
        flow.tokens()
        address = f"/oauth/register/{flow.client.client_id}"
        assert Browser().get(address, headers={"Authorization": "Bearer made-up"}).status_code in {401, 404}

    def test_the_operator_finds_why(self, broken: str, caplog: pytest.LogCaptureFixture) -> None:
        ask(broken)
        assert "the address of the document" in Refusal.objects.get().reason
        assert "client_id: it must be the address of the document" in caplog.text
        assert broken in caplog.text

    def test_every_other_endpoint_serves_it(self, host: DocumentHost, browser: Browser) -> None:
        flow = Flow(host.client(grant_types=["authorization_code", "refresh_token", DEVICE_CODE]), browser)
        tokens = flow.tokens()
        assert flow.revoke(tokens["refresh_token"]).status_code == 200
        asked = post("/oauth/device_authorization", client_id=host.url(), scope="notes:read").json()
        assert asked["user_code"]
        pushed = {"response_type": "code", "redirect_uri": flow.redirect_uri, "code_challenge": "c" * 43} | {
            "code_challenge_method": "S256"
        }
        assert post("/oauth/par", client_id=host.url(), **pushed).status_code == 201
        assert browser.get("/oauth/end-session", {"client_id": host.url()}).status_code == 200


class TestHowLongItIsKept:
    @pytest.mark.spec("MCP", "client-id-metadata-documents")
    @pytest.mark.spec("Client ID Metadata Document", "5.2")
    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({}, USUAL),
            ({"Cache_Control": "max-age=60"}, 60),
            ({"Cache_Control": "max-age=60", "Age": "50"}, 10),
            ({"Cache_Control": "max-age=999999999"}, 3600),
            ({"Cache_Control": "public, max-age=31536000, immutable"}, 3600),
            ({"Cache_Control": "max-age=0"}, PAUSE),
            ({"Cache_Control": "no-store"}, PAUSE),
            ({"Cache_Control": "no-cache, max-age=600"}, PAUSE),
            ({"Cache_Control": "max-age=600", "Age": "999999999"}, PAUSE),
            ({"Expires": "0"}, PAUSE),
            ({"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"}, 3600),
            ({"Cache_Control": "max-age=-1"}, USUAL),
            ({"Cache_Control": "max-age=soon"}, USUAL),
        ],
    )
    def test_is_what_its_headers_say_within_bounds(
        self, host: DocumentHost, later: Later, headers: dict[str, str], seconds: float
    ) -> None:
        client_id = host.say(headers=headers)
        assert [is_known(client_id) for _ in range(3)] == [True] * 3
        later(seconds - 1)
        assert (is_known(client_id), host.asked()) == (True, 1)
        later(1)
        assert (is_known(client_id), host.asked()) == (True, 2)

    def test_is_no_longer_than_the_operator_wants(self, host: DocumentHost, later: Later, settings: Any) -> None:
        judge(settings, policy="open", longest_kept=timedelta(minutes=2))
        client_id = host.say(headers={"Cache_Control": "max-age=999999999"})
        assert is_known(client_id)
        later(120)
        assert (is_known(client_id), host.asked()) == (True, 2)

    @pytest.mark.spec("Client ID Metadata Document", "5.2")
    @pytest.mark.parametrize("broken", ["invalid", "missing"])
    def test_what_is_of_no_use_is_not_kept(self, host: DocumentHost, later: Later, broken: str) -> None:
        client_id = host.say(client_id="https://other.example/")
        if broken == "missing":
            host.server.pages.clear()
        assert [is_known(client_id) for _ in range(3)] == [False] * 3
        assert host.asked() == 1
        host.say()
        later(PAUSE)
        assert is_known(client_id)

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_it_serves_for_a_while_where_its_server_does_not_answer(
        self, host: DocumentHost, later: Later, status: int
    ) -> None:
        client_id = host.say()
        assert is_known(client_id)
        host.server.pages["/client.json"] = (status, {}, b"")
        later(USUAL)
        assert [is_known(client_id) for _ in range(3)] == [True] * 3
        assert host.asked() == 2
        later(STALE - 1)
        assert is_known(client_id)
        later(1)
        assert not is_known(client_id)

    @pytest.mark.parametrize("status", [404, 410, 301, 200])
    def test_it_is_gone_where_its_server_says_so(self, host: DocumentHost, later: Later, status: int) -> None:
        client_id = host.say()
        assert is_known(client_id)
        host.server.pages["/client.json"] = (status, {}, b"")
        later(USUAL)
        assert not is_known(client_id)

    def test_a_client_that_people_allowed_is_told_to_come_again(
        self, flow: Flow, host: DocumentHost, later: Later
    ) -> None:
        """Whoever is told that it is no client at all forgets its tokens."""
        token = flow.tokens()["refresh_token"]
        host.server.pages["/client.json"] = (500, {}, b"")
        later(USUAL + STALE)
        refused = flow.refresh(token)
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        host.say()
        later(PAUSE)
        assert flow.refresh(token).status_code == 200

    def test_people_can_sign_out_meanwhile(self, flow: Flow, host: DocumentHost) -> None:
        hint = flow.tokens(scope="openid")["id_token"]
        outbound.forget()
        host.server.pages["/client.json"] = (503, {}, b"")
        for said in ({"id_token_hint": hint}, {"client_id": flow.client.client_id}):
            page = flow.browser.get("/oauth/end-session", said)
            assert page.status_code == 200 and "Sign out of" in seen(page)
        press(flow.browser, page)
        assert not signed_in(flow.browser)
        assert flow.browser.get("/oauth/end-session", {"id_token_hint": hint}).status_code == 503


class TestWhoIsLetIn:
    @pytest.mark.spec("Client ID Metadata Document", "8.9")
    def test_hosts_that_are_listed(self, host: DocumentHost, settings: Any) -> None:
        judge(settings, policy="listed", hosts=("localhost",))
        assert is_known(host.say())

    @pytest.mark.spec("MCP", "trust-policies")
    @pytest.mark.spec("Client ID Metadata Document", "8.9")
    def test_no_others(self, host: DocumentHost, settings: Any) -> None:
        judge(settings, policy="listed", hosts=("app.example",))
        page = ask(host.say())
        assert b"does not accept client ID metadata documents at localhost" in page.content
        assert host.asked() == 0

    def test_hosts_that_an_operator_vouches_for(self, host: DocumentHost, settings: Any) -> None:
        judge(settings, policy="listed")
        client_id = host.say()
        assert not is_known(client_id)
        Row.objects.create(issuer="https://as.example", host="localhost", verdict="vouched")
        assert is_known(client_id)

    @pytest.mark.spec("MCP", "trust-policies")
    @pytest.mark.spec("Client ID Metadata Document", "8.9")
    def test_no_host_that_an_operator_has_blocked(self, flow: Flow, host: DocumentHost) -> None:
        tokens = flow.tokens()
        Row.objects.create(issuer="https://as.example", host="localhost", verdict="blocked")
        page = flow.authorize()
        assert b"has blocked clients whose document is at localhost" in page.content
        assert flow.refresh(tokens["refresh_token"]).status_code == 401
        assert host.asked() == 1

    @pytest.mark.parametrize("is_shown", [False, True])
    def test_who_comes_from_a_device_is_told_that_this_site_does_not_accept_its_app(
        self, flow: Flow, host: DocumentHost, browser: Browser, is_shown: bool
    ) -> None:
        host.say(grant_types=[DEVICE_CODE, "authorization_code", "refresh_token"])
        code = post("/oauth/device_authorization", client_id=host.url(), scope="notes:read").json()["user_code"]
        page = browser.get("/device", {"user_code": code}) if is_shown else None
        Row.objects.create(issuer="https://as.example", host="localhost", verdict="blocked")
        told = flow.decide(page) if page else browser.get("/device", {"user_code": code})
        assert told.status_code == 400
        assert "Example doesn't accept this app" in seen(told)
        refusal = Refusal.objects.get()
        assert refusal.client_id == host.url()
        assert "has blocked clients whose document is at localhost" in refusal.reason

    def test_people_are_told_whether_anybody_vouches_for_it(self, flow: Flow) -> None:
        assert flow.authorize().context["unproven"]
        Row.objects.create(issuer="https://as.example", host="localhost", verdict="vouched")
        assert flow.authorize().context["unproven"] != "self_registered"

    @pytest.mark.parametrize(
        "said",
        [
            {"policy": "all"},
            {"policy": "open", "hosts": ("app.example",)},
            {"policy": "listed", "hosts": ("https://app.example/",)},
            {"policy": "listed", "hosts": ("App.example",)},
            {"policy": "listed", "hosts": ("*.example",)},
            {"policy": "listed", "hosts": ("app.example:8443",)},
            {"policy": "listed", "hosts": ("",)},
            {"policy": "listed", "hosts": ("203.0.113.7",)},
            {"policy": "open", "longest_kept": timedelta(seconds=1)},
            {"policy": "open", "longest_kept": timedelta(days=2)},
            {"polcy": "open"},
        ],
    )
    def test_a_mistake_in_the_settings_stops_the_start(self, settings: Any, said: dict[str, Any]) -> None:
        from django.core.exceptions import ImproperlyConfigured

        from django_oauth_server.registry import default_issuer

        judge(settings, **said)
        with pytest.raises(ImproperlyConfigured, match="client_id_metadata_documents"):
            default_issuer()


class TestAClientWithKeys:
    @pytest.fixture
    def keyed(self, host: DocumentHost, browser: Browser) -> Flow:
        said = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(KEY)}
        return Keyed(host.client(**said), browser)

    @pytest.mark.spec("Client ID Metadata Document", "8.2")
    def test_proves_that_it_holds_them(self, keyed: Flow) -> None:
        tokens = keyed.tokens()
        assert keyed.refresh(tokens["refresh_token"]).status_code == 200

    @pytest.mark.spec("Client ID Metadata Document", "8.2")
    @pytest.mark.parametrize("pair", [None, NEXT])
    def test_is_given_nothing_without(self, keyed: Any, pair: Any) -> None:
        code = keyed.code()
        keyed.pair = pair
        refused = keyed.exchange(code)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    @pytest.mark.spec("Client ID Metadata Document", "8.2")
    def test_may_publish_them(self, host: DocumentHost, browser: Browser) -> None:
        host.server.pages["/jwks"] = as_json(jwks(KEY))
        said = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.url("/jwks")}
        assert Keyed(host.client(**said), browser).tokens()["token_type"] == "Bearer"

    @pytest.mark.parametrize("cache_control", ["", "max-age=3600"])
    def test_that_withdraws_one_is_heard_within_a_minute(
        self, keyed: Any, host: DocumentHost, later: Later, cache_control: str
    ) -> None:
        said = {"token_endpoint_auth_method": "private_key_jwt", "headers": {"Cache_Control": cache_control}}
        host.say(jwks=jwks(KEY, NEXT), **said)
        token = keyed.tokens()["refresh_token"]
        host.say(jwks=jwks(NEXT), **said)
        later(KEYS_KEPT)
        assert keyed.refresh(token).status_code == 401
        keyed.pair = NEXT
        assert keyed.refresh(token).status_code == 200


class Keyed(Flow):
    """A client that proves itself by a key."""

    pair: SigningKeyPair | None = KEY

    def _authenticate(self, authorization: str | None, params: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
        proven = proof(assertion(self.client, self.pair)) if self.pair else {"client_id": self.client.client_id}
        return {}, proven | params


class TestWhatADocumentChanges:
    """draft-ietf-oauth-client-id-metadata-document section 8.4."""

    def test_counts_once_it_is_fetched(self, flow: Flow, host: DocumentHost, later: Later) -> None:
        flow.tokens()
        host.say(redirect_uris=["https://app.example/elsewhere", "http://127.0.0.1/callback"])
        assert flow.authorize().status_code == 303
        later(USUAL)
        assert flow.authorize().status_code == 400
        assert flow.authorize(redirect_uri="https://app.example/elsewhere").status_code == 303

    @pytest.mark.spec("Client ID Metadata Document", "8.4")
    @pytest.mark.parametrize(
        "changes",
        [
            {"client_name": "Yearbook"},
            {"logo_uri": "https://app.example/logo.png"},
            {"redirect_uris": ["https://elsewhere.example/", "http://127.0.0.1/callback"]},
        ],
    )
    def test_of_what_people_judge_it_by_is_shown_to_them(
        self, flow: Flow, host: DocumentHost, later: Later, changes: dict[str, Any]
    ) -> None:
        flow.tokens()
        assert flow.authorize().status_code == 303
        later(USUAL)
        host.say(**changes)
        uri = "https://elsewhere.example/" if "redirect_uris" in changes else flow.redirect_uri
        assert flow.authorize(redirect_uri=uri).status_code == 200

    @pytest.mark.spec("Client ID Metadata Document", "8.4")
    def test_takes_away_what_it_takes_away(self, flow: Flow, host: DocumentHost, later: Later, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration_scopes": "default"}
        host.say(scope="notes:read notes:write")
        token = flow.tokens(scope="notes:read notes:write")["refresh_token"]
        later(USUAL)
        host.say(scope="notes:read")
        answer = flow.refresh(token).json()
        assert answer["scope"] == "notes:read"
        later(USUAL)
        host.say(grant_types=["authorization_code"])
        assert flow.refresh(answer["refresh_token"]).json()["error"] == "unauthorized_client"

    @pytest.mark.spec("Client ID Metadata Document", "8.4.1")
    @pytest.mark.parametrize(
        ("changes", "lasts"),
        [
            ({"jwks": jwks(KEY, NEXT)}, True),
            ({"jwks": {"keys": [jwks(KEY)["keys"][0] | {"use": "sig", "key_ops": ["verify"]}]}}, True),
            ({"jwks": jwks(NEXT)}, False),
            ({"jwks": None, "jwks_uri": "https://app.example/jwks"}, False),
            ({"jwks": None, "token_endpoint_auth_method": "none"}, False),
        ],
    )
    def test_of_all_its_credentials_ends_what_people_allowed(
        self, host: DocumentHost, browser: Browser, later: Later, changes: dict[str, Any], lasts: bool
    ) -> None:
        said = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(KEY)}
        flow = Keyed(host.client(**said), browser)
        token = flow.tokens()["refresh_token"]
        later(USUAL)
        host.say(**(said | changes))
        flow.pair = None if "token_endpoint_auth_method" in changes else KEY if lasts else NEXT
        refused = flow.refresh(token)
        assert (refused.status_code == 200) is lasts
        assert Authorization.objects.filter(is_live=True).exists() is lasts

    def test_while_the_person_decides_is_shown_before_it_counts(
        self, flow: Flow, host: DocumentHost, later: Later
    ) -> None:
        page = flow.authorize()
        later(USUAL)
        host.say(client_name="Yearbook")
        asked_anew = flow.decide(page)
        assert asked_anew.status_code != 303 or "code" not in asked_anew["Location"]
        shown = flow.browser.get(asked_anew["Location"]) if asked_anew.status_code == 303 else asked_anew
        assert "Yearbook" in seen(shown)
        assert not Authorization.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(KEY)}, "invalid_client"),
            ({"grant_types": ["refresh_token", DEVICE_CODE], "response_types": []}, "unauthorized_client"),
            ({"client_id": "https://other.example/"}, "invalid_client"),
            ({"client_name": "Yearbook"}, None),
        ],
    )
    def test_before_the_code_is_redeemed_counts(
        self, flow: Flow, host: DocumentHost, later: Later, changes: dict[str, Any], error: str | None
    ) -> None:
        code = flow.code()
        later(USUAL)
        host.say(**changes)
        assert flow.exchange(code).json().get("error") == error

    def test_is_all_that_others_are_asked_about(
        self, host: DocumentHost, browser: Browser, later: Later, settings: Any
    ) -> None:
        """The server of the sector has said once that the redirect URIs are its own; what it says of others counts."""
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": "s" * 40}
        uris = ["https://a.example/callback", "https://b.example/callback"]
        said = {"subject_type": "pairwise", "sector_identifier_uri": host.url("/sector")}
        host.server.pages["/sector"] = as_json(uris)
        Flow(host.client(redirect_uris=uris, **said), browser).tokens()
        host.server.pages["/sector"] = (503, {}, b"")
        later(USUAL)
        assert is_known(host.url())
        outbound.forget()
        assert is_known(host.url())
        assert (host.asked(), host.asked("/sector")) == (3, 1)
        later(USUAL)
        host.say(redirect_uris=[*uris, "https://c.example/"], **said)
        assert not is_known(host.url())

    def test_does_not_end_what_a_client_without_credentials_was_allowed(
        self, flow: Flow, host: DocumentHost, later: Later
    ) -> None:
        token = flow.tokens()["refresh_token"]
        later(USUAL)
        host.say(token_endpoint_auth_method="private_key_jwt", jwks=jwks(KEY))
        assert flow.refresh(token).status_code == 401
        assert Keyed(flow.client, flow.browser).refresh(token).status_code == 200

    def test_is_written_down_once(
        self, flow: Flow, host: DocumentHost, later: Later, django_assert_num_queries: Any
    ) -> None:
        flow.tokens()
        later(USUAL)
        host.say(client_name="Yearbook")
        assert is_known(flow.client.client_id)
        assert Client.objects.get().name == "Yearbook"
        with django_assert_num_queries(2):  # the row, and what operators say of the host
            assert is_known(flow.client.client_id)

    def test_that_another_process_has_seen_counts_here(self, flow: Flow, host: DocumentHost, later: Later) -> None:
        flow.tokens()
        newer = Client.objects.get()
        newer.metadata["client_name"] = "Yearbook"
        newer.save()
        assert b"Yearbook" in flow.authorize().content
        assert host.asked() == 1
        assert Client.objects.get().name == "Yearbook"
        later(PAUSE)
        assert flow.authorize().status_code == 303
        assert host.asked() == 2
        assert Client.objects.get().name == "Almanac"

    def test_what_an_operator_gave_it_stays(self, flow: Flow, host: DocumentHost, later: Later) -> None:
        flow.tokens()
        Client.objects.update(access_token_lifetime=timedelta(seconds=77), updated_at=timezone.now())
        later(USUAL)
        host.say(client_name="Yearbook")
        assert flow.tokens()["expires_in"] == 77

    def test_one_that_an_operators_profile_forbids_is_explained(
        self, flow: Flow, host: DocumentHost, settings: Any, later: Later
    ) -> None:
        strict = Policy(name="strict", permitted_client_auth_methods=frozenset({"private_key_jwt"}))
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"policies": [strict]}
        flow.tokens()
        Client.objects.update(profile="strict", updated_at=timezone.now())
        later(PAUSE)
        page = seen(flow.authorize())
        assert "The client ID metadata document cannot be used: token_endpoint_auth_method" in page
        assert "token_endpoint_auth_method" in Refusal.objects.get().reason


class TestARowThatNobodyUses:
    """A day after the last authorization was revoked, and the authorization with it."""

    @pytest.fixture
    def left(self, flow: Flow) -> Client:
        flow.tokens()
        ago = timezone.now() - timedelta(days=400)
        Authorization.objects.update(is_live=False, revoked_at=ago)
        Token.objects.update(revoked_at=ago, expires_at=ago)
        Ticket.objects.update(expires_at=ago)
        Client.objects.update(updated_at=ago)
        call_command("cleartokens", stdout=StringIO())
        return Client.objects.first()

    def test_goes(self, left: Client) -> None:
        out = StringIO()
        call_command("cleartokens", stdout=out)
        assert "1 clients of documents that nobody uses" in out.getvalue()
        assert not Client.objects.exists()

    @pytest.mark.parametrize(
        "given",
        [{"is_active": False}, {"profile": "oauth2.1"}, {"access_token_lifetime": timedelta(minutes=1)}],
    )
    def test_stays_with_what_an_operator_gave_it(self, left: Client, given: dict[str, Any]) -> None:
        Client.objects.update(**given)
        call_command("cleartokens", stdout=StringIO())
        assert Client.objects.exists()

    def test_stays_while_a_token_is_there(self, left: Client) -> None:
        TokenFactory(client=left, authorization=None)
        call_command("cleartokens", stdout=StringIO())
        assert Client.objects.exists()

    def test_stays_where_it_was_registered_here(self, left: Client) -> None:
        Client.objects.update(source=Client.TABLE)
        call_command("cleartokens", stdout=StringIO())
        assert Client.objects.exists()

    def test_comes_again_with_the_person(self, left: Client, flow: Flow) -> None:
        call_command("cleartokens", stdout=StringIO())
        flow.tokens()
        assert Client.objects.exists()


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was spent comes back with the time."""
    monkeypatch.setattr(allowances, "monotonic", lambda: 0.0)


@pytest.mark.usefixtures("_no_time_passes")
class TestHowOftenItIsAsked:
    def test_of_ids_that_one_sender_makes_up_few_are_looked_for(self, host: DocumentHost) -> None:
        answers = [ask(host.url(f"/{number}")).status_code for number in range(22)]
        assert answers == [400] * 20 + [429] * 2
        assert sum(host.server.calls.values()) == 20
        assert not Client.objects.exists()

    def test_nor_by_the_page_on_which_people_sign_in(self, host: DocumentHost, rf: Any) -> None:
        for number in range(25):
            way_back = f"/oauth/authorize?{urlencode({'client_id': host.url(f'/{number}')})}"
            assert signing_in_for(rf.get("/accounts/login/", {"next": way_back})) is None
        assert sum(host.server.calls.values()) == 20

    def test_of_ids_at_one_host_few_are_looked_for(self, host: DocumentHost, settings: Any) -> None:
        throttles = {"client_id_metadata_documents_by_host": "5/m"}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": throttles}
        answers = [
            Browser().get("/oauth/logo", {"client_id": host.url(f"/{number}")}, REMOTE_ADDR=f"192.0.2.{number}")
            for number in range(10)
        ]
        assert [answer.status_code for answer in answers] == [404] * 5 + [429] * 5
        assert answers[-1]["Retry-After"]

    def test_one_who_posts_the_request_is_told_to_come_again_as_well(self, host: DocumentHost, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {documents.BY_HOST: "1/m"}}
        ask(host.url("/1"))
        page = post("/oauth/authorize", client_id=host.url("/2"), response_type="code")
        assert (page.status_code, page["Retry-After"]) == (429, "60")
        assert "Try again in a moment" in seen(page)

    def test_clients_that_are_known_go_on(self, host: DocumentHost, later: Later, settings: Any) -> None:
        throttles = {"client_id_metadata_documents_by_address": "5/m"}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": throttles}
        client_id = host.say()
        assert is_known(client_id)
        for number in range(8):
            ask(host.url(f"/{number}"))
        assert is_known(client_id)
        later(USUAL)
        assert is_known(client_id)

    def test_made_up_ids_at_its_host_shut_out_no_client_that_people_allowed(
        self, flow: Flow, host: DocumentHost, settings: Any
    ) -> None:
        """Not even in a process that has just begun."""
        throttles = {documents.BY_HOST: "5/m"}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": throttles}
        token = flow.tokens()["refresh_token"]
        outbound.forget()
        made_up = [ask(host.url(f"/{number}")).status_code for number in range(6)]
        assert made_up == [400] * 5 + [429]
        assert flow.refresh(token).status_code == 200

    def test_an_operator_can_do_without(self, host: DocumentHost, settings: Any) -> None:
        none = dict.fromkeys((documents.BY_HOST, documents.BY_ADDRESS))
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": none}
        assert {ask(host.url(f"/{number}")).status_code for number in range(25)} == {400}


def test_the_answer_names_its_issuer(flow: Flow) -> None:
    assert answered(flow.decide(flow.authorize()))["iss"] == "https://as.example"


def test_an_operator_reads_where_the_client_comes_from_and_when_that_was_fetched(
    flow: Flow, host: DocumentHost, admin_client: Browser
) -> None:
    flow.tokens()
    page = f"/admin/django_oauth_server/client/{Client.objects.get().pk}/change/"
    assert "Last fetched by this server process" in admin_client.get(page).content.decode()
    outbound.forget()
    told = admin_client.get(page).content.decode()
    assert host.url() in told and "Last fetched" not in told


def test_an_operator_blocks_the_host_of_a_client_and_it_is_out(
    flow: Flow, host: DocumentHost, admin_client: Browser
) -> None:
    tokens = flow.tokens()
    client = Client.objects.get()
    asked = {"action": "block_hosts", "_selected_action": client.pk, "index": 0, "confirmed": "Block"}
    admin_client.post("/admin/django_oauth_server/client/", asked)
    assert flow.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    assert not Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), Browser()).is_active(
        tokens["access_token"]
    )
    assert b"has blocked clients" in flow.authorize().content


def test_an_operator_vouches_for_the_host_of_a_client_and_people_see_its_name(
    flow: Flow, host: DocumentHost, admin_client: Browser
) -> None:
    assert flow.authorize().context["client"]["name"] == f"localhost:{host.server.port}"
    flow.tokens()
    asked = {"action": "vouch_for_hosts", "_selected_action": Client.objects.get().pk, "index": 0, "confirmed": "Vouch"}
    admin_client.post("/admin/django_oauth_server/client/", asked)
    page = flow.authorize(prompt="consent")
    assert page.context["client"]["name"] == "Almanac" and page.context["unproven"] != "document"


@pytest.mark.parametrize("changes", [{"policy": "off"}, {"policy": "listed", "hosts": ["claude.ai"]}, {}])
def test_people_are_told_that_it_is_this_site_that_does_not_accept_an_app(
    flow: Flow, settings: Any, changes: dict[str, Any]
) -> None:
    """And of no mistake, which the app has not made."""
    documented = settings.OAUTH_SERVER["client_id_metadata_documents"]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"client_id_metadata_documents": changes or documented}
    Row.objects.create(issuer="https://as.example", host="localhost", verdict="blocked")
    told = unescape(flow.authorize().content.decode())
    assert "You can't use this app at" in told and "made a mistake" not in told


def test_people_are_told_of_a_document_that_is_of_no_use(flow: Flow, host: DocumentHost) -> None:
    host.say(client_id="https://elsewhere.example/")
    assert b"made a mistake" in flow.authorize().content
