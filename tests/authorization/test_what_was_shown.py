"""Consent is for the app that was shown: one that speaks for itself and changes that is asked for again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf import OPENID_SCOPES, Scope
from django_oauth_server.models import Authorization, Client
from tests.factories import ClientFactory
from tests.flow import Flow, answered
from tests.registration.conftest import Registrant, initial_access_token

pytestmark = pytest.mark.django_db

SHOWN = {
    "client_name": "Notes",
    "client_name#de": "Notizen",
    "client_uri": "https://m.example/",
    "logo_uri": "https://m.example/logo.png",
    "policy_uri": "https://m.example/privacy",
    "tos_uri": "https://m.example/terms",
    "contacts": ["help@m.example"],
    "redirect_uris": ["https://m.example/cb"],
    "scope": "notes:read notes:write",
    "grant_types": ["authorization_code", "refresh_token"],
}
CHANGES = [
    ({"client_name": "Your Bank"}, "its name"),
    ({"client_name#de": "Ihre Bank"}, "its name"),
    ({"client_name#fr": "Votre banque"}, "its name"),
    ({"client_uri": "https://bank.example/"}, "its website"),
    ({"logo_uri": "https://m.example/bank.png"}, "its logo"),
    ({"logo_uri": None}, "its logo"),
    ({"policy_uri#de": "https://m.example/datenschutz"}, "its privacy policy"),
    ({"tos_uri": "https://m.example/other"}, "its terms of service"),
    ({"contacts": ["help@bank.example"]}, "its contacts"),
    ({"redirect_uris": ["https://elsewhere.example/cb"]}, "where you can be sent back to"),
    ({"redirect_uris": ["https://m.example/cb", "https://elsewhere.example/cb"]}, "where you can be sent back to"),
    ({"redirect_uris": ["https://m.example/cb", "com.example.m:/cb"]}, "where you can be sent back to"),
    ({"grant_types": ["authorization_code"]}, "how long its access lasts"),
]


@pytest.fixture
def registrant(db: None) -> Registrant:
    return Registrant()


@pytest.fixture
def app(registrant: Registrant) -> Registrant:
    registrant.registered(**SHOWN)
    return registrant


def flow_of(app: Registrant, browser: Browser) -> Flow:
    flow = Flow(app.row, browser)
    flow.client.secret = app.information.get("client_secret", "")
    return flow


def is_consent(response: Any) -> bool:
    return response.status_code == 200 and 'id="allow"' in response.content.decode()


@pytest.mark.spec("OAuth 2.1", "7.9")
@pytest.mark.parametrize(("changes", "words"), CHANGES)
def test_who_changes_what_people_judged_by_is_asked_for_again(
    app: Registrant, browser: Browser, changes: Any, words: str
) -> None:
    flow_of(app, browser).code()
    assert app.update(**changes).status_code == 200
    flow = flow_of(app, browser)
    assert answered(flow.authorize(prompt="none"))["error"] == "consent_required"
    page = flow.authorize()
    assert is_consent(page)
    assert f"What has changed: {words}." in page.content.decode()
    flow.decide(page)
    assert "code" in answered(flow.authorize(prompt="none"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"redirect_uris": ["https://m.example/other"]},
        {"redirect_uris": ["https://M.example:443/cb"]},
        {"software_version": "2"},
        {"scope": "notes:read notes:write openid"},
    ],
)
def test_what_nobody_saw_may_change(app: Registrant, browser: Browser, changes: Any) -> None:
    flow_of(app, browser).code()
    assert app.update(**changes).status_code == 200
    assert "code" in answered(flow_of(app, browser).authorize(prompt="none"))


def test_one_that_came_with_an_initial_access_token_speaks_for_itself_too(
    registrant: Registrant, browser: Browser
) -> None:
    registrant.registered(initial_access_token()[1], **SHOWN)
    flow_of(registrant, browser).code()
    registrant.update(client_name="Your Bank")
    assert is_consent(flow_of(registrant, browser).authorize())


def test_what_an_operator_changes_of_a_client_of_theirs_is_not_asked_again(browser: Browser) -> None:
    client = ClientFactory()
    Flow(client, browser).code()
    client.metadata = client.metadata | {"client_name": "Diary", "redirect_uris": ["https://new.example/cb"]}
    client.save()
    assert "code" in answered(Flow(client, browser).authorize())


@pytest.mark.parametrize(("later", "asked"), [(timedelta(hours=-1), True), (timedelta(hours=1), False)])
def test_consent_of_an_older_time_holds_until_the_client_changes(
    app: Registrant, browser: Browser, later: timedelta, asked: bool
) -> None:
    flow = flow_of(app, browser)
    flow.code()
    Authorization.objects.update(presentation=None, sector=None, consented_at=timezone.now() + later)
    page = flow.authorize()
    assert is_consent(page) is asked
    if asked:
        assert "What has changed: its registration." in page.content.decode()


@pytest.mark.spec("OAuth 2.1", "7.9")
@pytest.mark.parametrize(("changes", "words"), CHANGES)
def test_what_changes_while_the_page_is_open_is_shown_before_it_is_allowed(
    app: Registrant, browser: Browser, changes: Any, words: str
) -> None:
    flow = flow_of(app, browser)
    page = flow.authorize()
    app.update(**changes)
    if "https://m.example/cb" not in app.row.redirect_uris:
        assert flow.decide(page).status_code == 400
    else:
        again = flow.decide(page)
        assert is_consent(again)
        assert not Authorization.objects.exists()
        assert "code" in answered(flow.decide(again))
    assert not Authorization.objects.filter(presentation=None).exists()


def test_a_first_party_client_does_not_have_answers_go_elsewhere(app: Registrant) -> None:
    Client.objects.update(skip_consent=True)
    elsewhere = app.update(redirect_uris=["https://m.example/cb", "https://elsewhere.example/cb"])
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_redirect_uri")
    assert "elsewhere.example" in elsewhere.json()["error_description"]
    assert app.update(redirect_uris=["https://m.example/other"]).status_code == 200


def test_what_a_first_party_client_got_unasked_was_never_allowed(app: Registrant, browser: Browser) -> None:
    Client.objects.update(skip_consent=True)
    assert "code" in answered(flow_of(app, browser).authorize())
    Client.objects.update(skip_consent=False, updated_at=timezone.now())
    assert is_consent(flow_of(app, browser).authorize())


def test_who_is_to_have_access_for_longer_is_asked_for_again(registrant: Registrant, browser: Browser) -> None:
    registrant.registered(**SHOWN | {"grant_types": ["authorization_code"]})
    flow_of(registrant, browser).code()
    registrant.update(grant_types=["authorization_code", "refresh_token"])
    page = flow_of(registrant, browser).authorize()
    assert is_consent(page)
    assert "What has changed: how long its access lasts." in page.content.decode()


CLAIMS = json.dumps({"userinfo": {"email": None}})


@pytest.mark.spec("OpenID Connect Core", "5.5")
def test_a_claim_that_a_client_may_ask_for_since_the_page_was_opened_is_shown_first(
    registrant: Registrant, browser: Browser
) -> None:
    registrant.registered(**SHOWN | {"scope": "openid"})
    page = flow_of(registrant, browser).authorize(scope="openid", claims=CLAIMS)
    assert "email address" not in page.content.decode()
    registrant.update(scope="openid email")
    again = flow_of(registrant, browser).decide(page)
    assert is_consent(again)
    assert "email address" in again.content.decode()
    assert not Authorization.objects.exists()


@pytest.mark.spec("OAuth 2.1", "7.3.1")
@pytest.mark.parametrize("public", [True, False])
def test_the_page_says_that_nothing_proves_the_client_where_it_is_not_remembered(
    browser: Browser, public: bool
) -> None:
    flow = Flow(ClientFactory(public=public, metadata__redirect_uris=["http://127.0.0.1/cb"]), browser)
    page = flow.authorize()
    assert ("This app can't prove who it is" in page.content.decode()) is public
    flow.decide(page)
    assert is_consent(flow.authorize()) is public


@pytest.fixture
def optional(settings: Any) -> None:
    scopes = {"notes:read": "see your notes", "notes:write": Scope("write notes", optional=True)}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes, "default_scopes": ["notes:read"]}


@pytest.mark.usefixtures("optional")
@pytest.mark.spec("RFC 6749", "3.3")
class TestClearedBoxes:
    """A box that was ticked once, and cleared another time."""

    def cleared(self, browser: Browser) -> Flow:
        flow = Flow(ClientFactory(metadata__scope="notes:read notes:write"), browser)
        flow.tokens()
        flow.decide(flow.authorize(prompt="consent"), scope=[])
        return flow

    def test_it_is_asked_for_again(self, browser: Browser) -> None:
        flow = self.cleared(browser)
        assert Authorization.objects.get().scope == "notes:read"
        assert answered(flow.authorize(prompt="none"))["error"] == "consent_required"
        assert is_consent(flow.authorize())
        assert "code" in answered(flow.authorize(prompt="none", scope="notes:read"))

    def test_a_refresh_token_of_before_brings_it_no_more(self, browser: Browser) -> None:
        flow = Flow(ClientFactory(metadata__scope="notes:read notes:write"), browser)
        refresh_token = flow.tokens()["refresh_token"]
        flow.decide(flow.authorize(prompt="consent"), scope=[])
        assert flow.refresh(refresh_token).json()["scope"] == "notes:read"

    def test_nor_does_a_code_of_before(self, browser: Browser) -> None:
        flow = Flow(ClientFactory(metadata__scope="notes:read notes:write"), browser)
        code = flow.code()
        flow.decide(flow.authorize(prompt="consent"), scope=[])
        assert flow.exchange(code).json()["scope"] == "notes:read"

    @pytest.mark.spec("OpenID Connect Core", "5.5")
    def test_nor_do_claims_that_were_asked_for_by_name_before(self, browser: Browser, settings: Any) -> None:
        scopes = OPENID_SCOPES | {"email": Scope("see your email address", optional=True)}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes, "default_scopes": []}
        flow = Flow(ClientFactory(), browser)
        flow.code(scope="openid", claims=CLAIMS)
        assert "code" in answered(flow.authorize(scope="openid", claims=CLAIMS, prompt="none"))
        flow.decide(flow.authorize(scope="openid email"), scope=[])
        assert is_consent(flow.authorize(scope="openid", claims=CLAIMS))

    def test_a_first_party_client_is_not_given_it_either(self, browser: Browser) -> None:
        flow = Flow(ClientFactory(metadata__scope="notes:read notes:write", skip_consent=True), browser)
        assert "code" in answered(flow.authorize())
        flow.decide(flow.authorize(prompt="consent"), scope=[])
        assert answered(flow.authorize(prompt="none"))["error"] == "consent_required"
        assert "code" in answered(flow.authorize(prompt="none", scope="notes:read"))
        assert flow.tokens()["scope"] == "notes:read notes:write"

    @pytest.mark.spec("RFC 6749", "4.3.3")
    def test_nor_does_the_persons_password_bring_it(self, browser: Browser, user: Any, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
        flow = Flow(ClientFactory(metadata__grant_types=["authorization_code", "password"]), browser)
        request = {"grant_type": "password", "username": user.username, "password": "password"}
        assert flow.token(**request, scope="notes:read notes:write").json()["scope"] == "notes:read notes:write"
        flow.decide(flow.authorize(prompt="consent"), scope=[])
        assert flow.token(**request, scope="notes:read notes:write").json()["scope"] == "notes:read"
        assert flow.token(**request, scope="notes:write").json()["error"] == "invalid_scope"
        assert answered(flow.authorize(prompt="none"))["error"] == "consent_required"

    def test_it_can_be_allowed_again(self, browser: Browser) -> None:
        flow = self.cleared(browser)
        assert flow.tokens(prompt="consent")["scope"] == "notes:read notes:write"
        assert "code" in answered(flow.authorize(prompt="none"))


@pytest.mark.spec("OAuth 2.1", "7.5.1")
def test_a_code_is_no_bearer_token_once_the_client_has_no_secret_any_more(browser: Browser, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    flow = Flow(ClientFactory(), browser)
    code = flow.code(code_challenge=None, code_challenge_method=None)
    flow.client.metadata |= {"token_endpoint_auth_method": "none"}
    flow.client.save()
    assert flow.exchange(code, code_verifier=None).json()["error"] == "invalid_grant"


class TestScopesThatAClientHasLost:
    """An operator took one away since the person allowed it."""

    @pytest.fixture
    def flow(self, browser: Browser) -> Flow:
        return Flow(ClientFactory(metadata__scope="notes:read notes:write"), browser)

    def lose(self, flow: Flow, scope: str) -> None:
        flow.client.metadata |= {"scope": scope}
        flow.client.save()

    def test_at_refresh(self, flow: Flow) -> None:
        refresh_token = flow.tokens()["refresh_token"]
        self.lose(flow, "notes:read")
        assert flow.refresh(refresh_token).json()["scope"] == "notes:read"

    def test_with_a_code_in_flight(self, flow: Flow) -> None:
        code = flow.code()
        self.lose(flow, "notes:read")
        assert flow.exchange(code).json()["scope"] == "notes:read"

    @pytest.mark.spec("RFC 6749", "5.2")
    def test_all_of_them(self, flow: Flow) -> None:
        code = flow.code(scope="notes:write")
        self.lose(flow, "notes:read")
        response = flow.exchange(code)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
