"""Clients that another source than the table describes, through the front door. The source asks others, so that each walk also shows that no client
is looked up inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client as Browser

from django_oauth_server.clients.self_registration import metadata_of_itself
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.transaction import atomic
from tests.clients.directory import GATEWAY, PLACE, Directory, SomeVouched, described, usual
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db

ID = PLACE + "almanac"
CALLBACK = f"{ID}/callback"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FORM = "application/x-www-form-urlencoded"


def switch_on(settings: Any, *names: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "components": [f"tests.clients.directory.{name}" for name in names],
        "pairwise_salt": "of these tests, and long enough for it",
    }


@pytest.fixture(autouse=True)
def directory(settings: Any) -> Iterator[type[Directory]]:
    switch_on(settings, "Directory", "Gateway")
    yield Directory
    Directory.said.clear()
    Directory.asked.clear()


@pytest.fixture
def flow(browser: Browser) -> Flow:
    return Flow(described("almanac"), browser)


def say(**changes: Any) -> None:
    Directory.said[ID] = usual(ID) | changes


def shown_to(browser: Browser, **params: Any) -> Any:
    return Flow(described("almanac"), browser).authorize(**params)


class TestNobodyAboveCanTell:
    def test_a_person_allows_it_and_it_is_given_tokens(self, flow: Flow) -> None:
        tokens = flow.tokens(scope="notes:read openid")
        assert "id_token" in tokens
        assert flow.refresh(tokens["refresh_token"]).status_code == 200

    def test_what_it_holds_is_told_to_apis_and_can_be_revoked(self, flow: Flow) -> None:
        token = flow.tokens()["access_token"]
        api = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), Browser())
        assert api.introspect(token)["client_id"] == ID
        assert flow.revoke(token).status_code == 200
        assert not api.is_active(token)

    def test_the_person_sees_it_among_their_apps(self, flow: Flow) -> None:
        flow.tokens()
        assert "Almanac" in flow.browser.get("/oauth/connected-apps/").content.decode()

    def test_the_person_is_told_that_nobody_vouches_for_it(self, flow: Flow) -> None:
        assert "self_registered" in str(flow.authorize().context["unproven"])

    def test_the_person_is_asked_whatever_its_row_says(self, flow: Flow) -> None:
        """Whoever wrote the document could have answers sent elsewhere, and nobody would see."""
        flow.tokens()
        Client.objects.update(skip_consent=True)
        say(redirect_uris=[CALLBACK, "https://elsewhere.example/"])
        assert flow.authorize(redirect_uri="https://elsewhere.example/").status_code == 200

    def test_unless_an_operator_vouches_for_it(self, flow: Flow, settings: Any) -> None:
        flow.tokens()
        Client.objects.update(skip_consent=True)
        switch_on(settings, "VouchedDirectory")
        assert flow.authorize(scope="notes:read notes:write openid").status_code == 303

    def test_what_it_says_of_itself_gives_it_no_privilege(self) -> None:
        said = {
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "client_credentials"],
            "claims_in_id_token": True,
        }
        metadata = metadata_of_itself(said, default_issuer())
        assert metadata["grant_types"] == ["authorization_code"]
        assert "claims_in_id_token" not in metadata

    def test_unless_an_operator_does(self, flow: Flow, settings: Any) -> None:
        switch_on(settings, "VouchedDirectory")
        assert not flow.authorize().context["unproven"]

    def test_it_sends_people_to_sign_out(self, flow: Flow) -> None:
        say(post_logout_redirect_uris=["https://apps.example/bye"])
        asked = {"client_id": ID, "post_logout_redirect_uri": "https://apps.example/bye"}
        assert b"apps.example" in flow.browser.get("/oauth/end-session", asked).content

    def test_a_sign_in_can_be_begun_from_here(self) -> None:
        say(initiate_login_uri="https://apps.example/login")
        assert Browser().get(f"/oauth/start/{ID}").status_code == 200

    def test_its_logo_is_shown(self) -> None:
        assert Browser().get("/oauth/logo", {"client_id": ID}).status_code == 200

    def test_the_sign_in_page_says_who_sent_the_person(self, rf: Any) -> None:
        from django_oauth_server.templatetags.oauth_server import signing_in_for

        way_back = f"/oauth/authorize?{urlencode({'client_id': ID})}"
        described = signing_in_for(rf.get("/accounts/login/", {"next": way_back}))
        assert described and described["name"] == "Almanac"

    def test_it_authenticates_by_any_method(self, settings: Any) -> None:
        say(token_endpoint_auth_method=GATEWAY, grant_types=["client_credentials"], response_types=[])
        assert service(settings, "opaque").status_code == 200

    @pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/logo", "/oauth/end-session"])
    def test_an_id_that_no_source_knows_is_nobody(self, path: str) -> None:
        Directory.said[ID] = None
        response = Browser().get(path, {"client_id": ID, "post_logout_redirect_uri": CALLBACK})
        assert b"Almanac" not in response.content
        assert not Client.objects.exists()

    @pytest.mark.parametrize("client_id", ["", PLACE + "\0", PLACE + "a" * 300])
    def test_an_id_that_could_have_no_row_is_nobody(self, client_id: str) -> None:
        assert find_client(default_issuer(), client_id) is None
        assert Directory.asked == []


class TestARow:
    @pytest.mark.parametrize(
        ("path", "params"),
        [
            ("/oauth/authorize", {"response_type": "code", "redirect_uri": CALLBACK, "code_challenge": "c" * 43}),
            ("/oauth/authorize", {"response_type": "code", "redirect_uri": CALLBACK, "prompt": "none"}),
            ("/oauth/logo", {}),
            ("/oauth/end-session", {}),
            (f"/oauth/start/{ID}", {}),
        ],
    )
    def test_no_visit_of_a_stranger_makes_one(self, path: str, params: dict[str, str]) -> None:
        Browser().get(path, {"client_id": ID, "scope": "notes:read"} | params)
        assert Directory.asked
        assert not Client.objects.exists()

    def test_no_token_request_that_is_refused_makes_one(self, flow: Flow) -> None:
        assert flow.exchange("made-up").status_code == 400
        assert not Client.objects.exists()

    def test_there_is_one_once_a_person_is_asked(self, flow: Flow) -> None:
        flow.tokens()
        flow.tokens()
        row = Client.objects.get()
        assert (row.client_id, row.source, row.metadata) == (ID, "directory", usual(ID))
        assert row.registered_by == Client.RegisteredBy.ITSELF

    def test_there_is_one_once_a_token_is_stored_and_not_before(self, settings: Any) -> None:
        say(token_endpoint_auth_method=GATEWAY, grant_types=["client_credentials"], response_types=[])
        service(settings, "at+jwt")
        assert not Client.objects.exists()
        service(settings, "opaque")
        assert Token.objects.get().client == Client.objects.get()

    def test_a_jwt_that_was_not_stored_is_its_clients_own_alone(self, settings: Any) -> None:
        say(token_endpoint_auth_method=GATEWAY, grant_types=["client_credentials"], response_types=[])
        Directory.said[PLACE + "other"] = Directory.said[ID]
        token = service(settings, "at+jwt").json()["access_token"]
        assert by_gateway("/oauth/introspect", ID, token=token).json()["active"] is True
        assert by_gateway("/oauth/introspect", PLACE + "other", token=token).json() == {"active": False}
        assert by_gateway("/oauth/revoke", PLACE + "other", token=token).status_code == 400
        assert by_gateway("/oauth/revoke", ID, token=token).status_code == 200
        assert by_gateway("/oauth/introspect", ID, token=token).json() == {"active": False}

    def test_an_operator_disables_it(self, flow: Flow) -> None:
        flow.tokens()
        Client.objects.update(is_active=False)
        assert b"disabled" in flow.authorize().content
        assert flow.exchange("made-up").status_code == 401

    def test_who_is_registered_here_is_not_taken_over(self, browser: Browser) -> None:
        flow = Flow(ClientFactory(client_id=ID), browser)
        assert flow.tokens()["token_type"] == "Bearer"
        assert Directory.asked == []

    def test_an_id_that_differs_in_case_is_another_client(self, flow: Flow) -> None:
        """MariaDB takes both for the same, and has room for one."""
        flow.tokens()
        another = Flow(described("Almanac"), flow.browser)
        answer = answered(another.decide(another.authorize()))
        assert answer.get("error") == ("unauthorized_client" if connection.vendor == "mysql" else None)

    def test_without_its_source_nobody_is_known_by_it(self, flow: Flow, settings: Any) -> None:
        tokens = flow.tokens()
        switch_on(settings, "Gateway")
        assert flow.refresh(tokens["refresh_token"]).status_code == 401
        assert flow.authorize().status_code == 400


class TestWhatItsSourceSaysNow:
    def test_counts_at_once(self, flow: Flow) -> None:
        flow.tokens()
        say(redirect_uris=["https://apps.example/elsewhere"])
        assert flow.authorize().status_code == 400
        say(grant_types=["authorization_code"])
        assert flow.exchange("made-up").json()["error"] == "invalid_grant"
        assert flow.refresh("made-up").json()["error"] == "unauthorized_client"

    def test_is_shown_to_the_person_who_is_asked_anew(self, flow: Flow) -> None:
        flow.tokens()
        assert flow.authorize().status_code == 303
        say(client_name="Yearbook")
        assert b"Yearbook" in flow.authorize().content

    def test_is_written_down_where_there_is_a_row(self, flow: Flow) -> None:
        flow.tokens()
        say(client_name="Yearbook")
        Browser().get("/oauth/logo", {"client_id": ID})
        assert Client.objects.get().name == "Yearbook"

    def test_that_nobody_has_this_id_any_more_counts(self, flow: Flow) -> None:
        tokens = flow.tokens()
        Directory.said[ID] = None
        assert flow.refresh(tokens["refresh_token"]).status_code == 401
        assert flow.authorize().status_code == 400

    def test_a_client_in_another_sector_is_allowed_anew(self, flow: Flow) -> None:
        say(subject_type="pairwise")
        flow.tokens()
        say(subject_type="pairwise", redirect_uris=["https://moved.example/callback"])
        flow.client.metadata = Directory.said[ID] or {}
        flow.tokens()
        assert Authorization.objects.filter(is_live=True).count() == 1
        assert Authorization.objects.get(is_live=True).sector == "moved.example"

    def test_what_was_allowed_in_another_sector_has_ended_for_all(self, flow: Flow) -> None:
        say(subject_type="pairwise")
        flow.tokens()
        say(subject_type="pairwise", redirect_uris=["https://moved.example/callback"])
        another = Browser()
        another.force_login(UserFactory())
        moved = Flow(described("almanac"), another)
        moved.client.metadata = Directory.said[ID] or {}
        moved.tokens()
        assert Authorization.objects.get(is_live=True).user_id == int(another.session["_auth_user_id"])


class TestATransaction:
    def test_no_source_that_asks_others_is_asked_in_one(self) -> None:
        with atomic(), pytest.raises(RuntimeError, match="directory"):
            find_client(default_issuer(), ID)

    def test_the_table_is(self) -> None:
        row = ClientFactory()
        with atomic():
            assert find_client(default_issuer(), row.client_id) == row


def service(settings: Any, form: str) -> Any:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": form}
    return by_gateway("/oauth/token", ID, grant_type="client_credentials", scope="notes:read")


def by_gateway(path: str, client_id: str, **params: str) -> Any:
    return Browser().post(path, urlencode(params), content_type=FORM, headers={"X-Gateway": client_id})


class TestWhatAClientLeavesHere:
    """Requests that wait for a person refer to it, too."""

    def test_a_device_is_let_in(self, browser: Browser) -> None:
        say(grant_types=[DEVICE_CODE], response_types=[])
        asked = post("/oauth/device_authorization", client_id=ID, scope="notes:read").json()
        assert not Client.objects.exists()
        poll = {"grant_type": DEVICE_CODE, "client_id": ID, "device_code": asked["device_code"]}
        assert post("/oauth/token", **poll).json()["error"] == "authorization_pending"
        page = browser.get("/device", {"user_code": asked["user_code"]}, follow=True)
        for decision in ("continue", "allow"):
            page = Flow(described("almanac"), browser).decide(page, decision)
            page = browser.get(page["Location"], follow=True) if page.status_code == 303 else page
        DeviceRequest.objects.update(polls_from=0)
        assert post("/oauth/token", **poll).status_code == 200
        assert Client.objects.get().client_id == ID

    def test_a_device_that_never_asked_is_told_so(self) -> None:
        say(grant_types=[DEVICE_CODE], response_types=[])
        refused = post("/oauth/token", grant_type=DEVICE_CODE, client_id=ID, device_code="oas_dc_made-up")
        assert refused.json()["error"] == "invalid_grant"
        assert not Client.objects.exists()

    def test_a_request_is_pushed_and_answered(self, browser: Browser) -> None:
        flow = Pushing(described("almanac"), browser)
        assert flow.exchange(flow.done(flow.reference())["code"]).status_code == 200
        assert Client.objects.get().client_id == ID


def post(path: str, **params: str) -> Any:
    return Browser().post(path, urlencode(params), content_type=FORM)


class TestAClientThatMoves:
    """It is in another sector now: people did not allow it to know them by the identifiers of that one."""

    @pytest.fixture
    def moved(self, browser: Browser) -> Any:
        say(subject_type="pairwise")
        flow = Flow(described("almanac"), browser)

        def move() -> Flow:
            say(subject_type="pairwise", redirect_uris=[CALLBACK], sector_identifier_uri="https://elsewhere.example/")
            return flow

        return flow, move

    def test_cannot_refresh(self, moved: Any) -> None:
        flow, move = moved
        tokens = flow.tokens(scope="openid notes:read")
        assert flow.refresh(tokens["refresh_token"]).status_code == 200
        refused = move().refresh(tokens["refresh_token"])
        assert refused.json()["error"] == "invalid_grant"

    def test_cannot_redeem_a_code(self, moved: Any) -> None:
        flow, move = moved
        code = flow.code(scope="openid notes:read")
        assert move().exchange(code).json()["error"] == "invalid_grant"


class Unreachable(Directory):
    """Its server is away."""

    name = "unreachable"

    def find(self, issuer: Any, client_id: str, row: Client | None) -> Client | None:
        raise TemporarilyUnavailable("The server cannot answer right now. Try again.", detail="the directory is away")


class TestASourceThatCannotBeAsked:
    @pytest.fixture(autouse=True)
    def away(self, settings: Any, directory: type[Directory]) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [f"{__name__}.Unreachable"]}

    @pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/logo", "/oauth/end-session", f"/oauth/start/{ID}"])
    def test_a_page_says_so(self, path: str) -> None:
        assert Browser().get(path, {"client_id": ID}).status_code == 503

    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par"])
    def test_a_client_is_told_so(self, path: str) -> None:
        response = post(path, client_id=ID, grant_type="authorization_code", token="x")
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
        assert response["Retry-After"]

    def test_the_sign_in_page_does_without(self, rf: Any) -> None:
        from django_oauth_server.templatetags.oauth_server import signing_in_for

        way_back = f"/oauth/authorize?{urlencode({'client_id': ID})}"
        assert signing_in_for(rf.get("/accounts/login/", {"next": way_back})) is None

    def test_clients_of_the_table_go_on(self, browser: Browser) -> None:
        assert Flow(ClientFactory(), browser).tokens()["token_type"] == "Bearer"


class TestWhatPeopleSeeOfADocument:
    """Anybody can write one, with any name in it."""

    @pytest.fixture(autouse=True)
    def documents(self, settings: Any) -> None:
        switch_on(settings, "SomeVouched")

    @pytest.mark.spec("Client ID Metadata Document", "8.5")
    @pytest.mark.parametrize("name", ["Google", "\u202egooglE", "a" * 2000 + " Google", "\u0413oogle"], ids=ascii)
    def test_its_name_is_the_host_and_what_it_claims_comes_second(self, flow: Flow, name: str) -> None:
        say(client_name=name)
        client = flow.authorize().context["client"]
        assert (client["name"], client["host"]) == ("apps.example", "apps.example")
        assert client["claims"]["name"].rstrip("…") in name and len(client["claims"]["name"]) <= 60

    @pytest.mark.spec("Client ID Metadata Document", "8.5")
    def test_its_logo_is_not_the_pages(self, flow: Flow) -> None:
        say(logo_uri="https://google.example/logo.png")
        client = flow.authorize().context["client"]
        assert client["logo_url"] == ""
        assert client["claims"]["logo_url"].startswith("/oauth/logo?")

    def test_it_leads_to_its_own_host_alone(self, flow: Flow) -> None:
        say(
            client_uri="https://google.example/",
            policy_uri="https://apps.example/privacy",
            tos_uri="https://apps.example:8/",
        )
        client = flow.authorize().context["client"]
        assert (client["home_url"], client["policy_url"], client["terms_url"]) == (
            "",
            "https://apps.example/privacy",
            "",
        )

    def test_without_a_name_it_claims_nothing(self, flow: Flow) -> None:
        say(client_name="")
        assert flow.authorize().context["client"]["claims"] is None

    @pytest.mark.spec("MCP", "localhost-redirect-uri-risks")
    @pytest.mark.parametrize(
        ("redirect_uris", "warns"),
        [
            (["http://127.0.0.1/cb"], True),
            (["http://localhost/cb", "com.example.app:/cb"], True),
            (["http://127.0.0.1/cb", CALLBACK], True),
            ([CALLBACK, "http://127.0.0.1/cb"], False),
        ],
    )
    def test_the_page_warns_where_the_answer_goes_to_the_persons_own_device(
        self, flow: Flow, redirect_uris: list[str], warns: bool
    ) -> None:
        say(redirect_uris=redirect_uris, application_type="native")
        page = flow.authorize(redirect_uri=redirect_uris[0])
        assert ("another program could use its name" in page.content.decode()) is warns

    @pytest.mark.spec("MCP", "localhost-redirect-uri-risks")
    def test_the_page_warns_where_every_answer_goes_there_whatever_key_the_app_has(self, flow: Flow) -> None:
        """Nobody keeps a key to themselves whose app runs on other people's devices."""
        keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": f"{ID}/keys"}
        say(redirect_uris=["http://127.0.0.1/cb"], application_type="native", **keys)
        assert flow.authorize(redirect_uri="http://127.0.0.1/cb").context["can_be_impersonated"]

    def test_the_persons_apps_have_it_by_its_host(self, flow: Flow) -> None:
        flow.tokens()
        (app,) = flow.browser.get("/oauth/connected-apps/").context["apps"]
        assert (app["client"]["name"], app["client"]["claims"]["name"]) == ("apps.example", "Almanac")

    def test_its_name_is_no_name_on_any_page_by_itself(self, flow: Flow) -> None:
        """Also where the answer is posted."""
        page = flow.decide(flow.authorize(response_mode="form_post"))
        assert "apps.example" in page.content.decode() and "Almanac" not in page.content.decode()


class TestAnOperatorVouchesForSomeOfThem:
    """A source says of each client whether an operator vouches for it."""

    @pytest.fixture
    def vouching(self, settings: Any, flow: Flow) -> Iterator[type[SomeVouched]]:
        switch_on(settings, "SomeVouched")
        SomeVouched.vouched_ids.add(ID)
        yield SomeVouched
        SomeVouched.vouched_ids.clear()

    def test_people_are_told_nothing_and_asked_once(self, flow: Flow, vouching: type[SomeVouched]) -> None:
        page = flow.authorize()
        assert not page.context["unproven"]
        assert (page.context["client"]["name"], page.context["client"]["host"]) == ("Almanac", "apps.example")
        flow.tokens()
        say(client_name="Almanac 2")
        assert flow.authorize().status_code == 303

    def test_who_is_not_vouched_for_any_more_is_asked_for_anew(self, flow: Flow, vouching: type[SomeVouched]) -> None:
        flow.tokens()
        vouching.vouched_ids.clear()
        page = flow.authorize()
        assert page.context["unproven"] == "document"
        assert list(map(str, page.context["changes"])) == ["whether it has been verified"]

    def test_who_comes_to_be_vouched_for_is_not(self, flow: Flow, vouching: type[SomeVouched]) -> None:
        vouching.vouched_ids.clear()
        flow.tokens()
        vouching.vouched_ids.add(ID)
        assert flow.authorize().status_code == 303

    def test_what_was_shown_counts_for_an_open_page(self, flow: Flow, vouching: type[SomeVouched]) -> None:
        page = flow.authorize()
        vouching.vouched_ids.clear()
        again = flow.decide(page)
        assert again.status_code == 200 and again.context["unproven"]

    def test_its_row_says_how_it_came(self, flow: Flow, vouching: type[SomeVouched]) -> None:
        flow.tokens()
        assert Client.objects.get(client_id=ID).registered_by == Client.RegisteredBy.DOCUMENT
