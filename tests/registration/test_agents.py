"""Registrations as editors and agents send them (RFC 7591): each works as it is, up to its tokens."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser

from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.models import Client
from tests.flow import Flow, answered
from tests.mcp.agents import REGISTERING, Agent
from tests.registration.conftest import Registrant, initial_access_token, refused

pytestmark = pytest.mark.django_db

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CODE = ["authorization_code", "refresh_token"]
ALL = ["notes:read", "notes:write", *OPENID_SCOPES]
ONE_OF_EVERYTHING = Agent(
    "one of everything",
    "never",
    ("https://everything.example/cb",),
    {
        "client_name": "Everything",
        "redirect_uris": ["https://everything.example/cb"],
        "grant_types": [
            *CODE,
            "implicit",
            "password",
            "client_credentials",
            DEVICE,
            JWT_BEARER,
        ],
        "response_types": ["code", "token", "id_token", "code id_token"],
        "token_endpoint_auth_method": "none",
        "scope": "notes:read  offline_access admin",
        "logo_uri": None,
        "contacts": [],
        "jwks": None,
    },
)
AGENTS = [*REGISTERING, ONE_OF_EVERYTHING]
CURSOR = next(one for one in AGENTS if one.name == "Cursor").registration or {}


def _place(uri: str) -> tuple[str, str | None, str]:
    """*uri* without its port."""
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.path


@pytest.fixture(autouse=True)
def _cursors_scheme_is_allowed(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"private_use_schemes": ["cursor"]}


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.spec("MCP", "dynamic-client-registration")
@pytest.mark.parametrize("agent", AGENTS, ids=[one.name for one in AGENTS])
def test_an_agent_registers_as_it_does_and_gets_its_tokens(
    registrant: Registrant, browser: Browser, agent: Agent
) -> None:
    document = agent.registration or {}
    told = registrant.registered(**document)
    usable = [one for one in document["grant_types"] if one in {*CODE, DEVICE}]
    assert (told["grant_types"], told["response_types"]) == (usable, ["code"])
    assert told["redirect_uris"] == document["redirect_uris"]
    assert told.get("application_type") == document.get("application_type")
    flow = Flow(registrant.row, browser)
    redirect_uri = agent.sends[0]
    sent = {"client_id": told["client_id"], "client_secret": told.get("client_secret")}
    code = flow.code(redirect_uri=redirect_uri, scope=told["scope"])
    tokens = flow.exchange(code, redirect_uri=redirect_uri, authorization=None, **sent).json()
    assert tokens["scope"] == " ".join(sorted(told["scope"].split()))
    assert flow.refresh(tokens["refresh_token"], authorization=None, **sent).status_code == 200


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.spec("MCP", "dynamic-client-registration")
def test_a_code_is_sent_to_whichever_of_its_addresses_an_agent_names(registrant: Registrant, browser: Browser) -> None:
    for agent in REGISTERING:
        document = agent.registration or {}
        registrant.registered(**document)
        flow = Flow(registrant.row, browser)
        mine = {*map(_place, document["redirect_uris"])}
        for sent in agent.sends:
            if _place(sent) in mine:
                assert flow.authorize(redirect_uri=sent, scope="notes:read").status_code == 200, (agent.name, sent)


@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        ({"scope": "openid  profile groups"}, {"scope": "openid profile"}),
        ({"grant_types": [*CODE, JWT_BEARER]}, {"grant_types": CODE}),
        ({"response_types": ["code", "token"]}, {"response_types": ["code"], "grant_types": ["authorization_code"]}),
        (
            {"grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token"]},
            {"response_types": ["code"]},
        ),
    ],
)
def test_what_is_not_offered_is_left_out_and_the_answer_says_so(
    registrant: Registrant, asked: dict[str, Any], registered: dict[str, Any]
) -> None:
    told = registrant.registered(**asked)
    assert {name: told[name] for name in registered} == registered
    assert {name: registrant.row.metadata[name] for name in registered} == registered
    assert registrant.update(**asked).json()["scope"] == told["scope"]


@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        ({"redirect_uris": ["https://a.example/cb", "", "https://a.example/cb"]}, {"redirect_uris": ["https://a.example/cb"]}),
        ({"grant_types": [*CODE, *CODE]}, {"grant_types": CODE}),
        ({"response_types": ["code", "code"]}, {"response_types": ["code"]}),
        ({"contacts": ["ada@a.example", None, "", "ada@a.example"]}, {"contacts": ["ada@a.example"]}),
        ({"contacts": [""]}, {"contacts": None}),
        ({"grant_types": CODE, "response_types": [""]}, {"grant_types": CODE, "response_types": ["code"]}),
        ({"scope": "  ", "client_uri": " "}, {"scope": " ".join(ALL), "client_uri": None}),
    ],
)  # fmt: skip
def test_what_is_empty_says_nothing_and_what_is_said_again_says_no_more(
    registrant: Registrant, asked: dict[str, Any], registered: dict[str, Any]
) -> None:
    told = registrant.registered(**asked)
    assert {name: told.get(name) for name in registered} == registered
    assert registrant.update().json()["scope"] == told["scope"]


@pytest.mark.spec("RFC 7592", "2.2")
@pytest.mark.parametrize("agent", AGENTS, ids=[one.name for one in AGENTS])
def test_the_answer_sent_back_as_it_is_changes_nothing(registrant: Registrant, agent: Agent) -> None:
    told = registrant.registered(**agent.registration or {})
    before = registrant.row.metadata
    answered = registrant.manage("PUT", told)
    assert answered.status_code == 200, answered.content
    renewed = {"registration_access_token", "client_secret", "client_secret_expires_at"}
    assert {name: value for name, value in answered.json().items() if name not in renewed} == {
        name: value for name, value in told.items() if name not in renewed
    }
    assert registrant.row.metadata == before


@pytest.mark.parametrize(
    ("grant_types", "auth_method", "kept"),
    [
        ([*CODE, "client_credentials"], "none", CODE),
        (["client_credentials", "refresh_token"], "client_secret_basic", ["client_credentials"]),
        ([*CODE, "client_credentials"], "client_secret_basic", [*CODE, "client_credentials"]),
    ],
)
def test_a_grant_type_that_the_client_has_no_use_for_is_left_out(
    registrant: Registrant, grant_types: list[str], auth_method: str, kept: list[str]
) -> None:
    _, token = initial_access_token(allow_client_credentials=True)
    told = registrant.registered(token, grant_types=grant_types, token_endpoint_auth_method=auth_method)
    assert told["grant_types"] == kept


@pytest.mark.parametrize(
    "asked",
    [
        {"grant_types": [JWT_BEARER]},
        {"response_types": ["token"]},
        {"scope": "admin groups"},
        {"grant_types": [JWT_BEARER, "refresh_token"]},
    ],
)
def test_it_is_refused_where_nothing_usable_is_left(registrant: Registrant, asked: dict[str, Any]) -> None:
    refused(registrant.register(**asked), 400, "invalid_client_metadata", next(iter(asked)))


@pytest.mark.spec("RFC 8252", "7.1")
def test_a_scheme_without_a_dot_is_for_an_operator_to_allow(
    registrant: Registrant, browser: Browser, settings: Any
) -> None:
    registrant.registered(**CURSOR)
    flow = Flow(registrant.row, browser)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"private_use_schemes": []}
    refused(registrant.register(**CURSOR), 400, "invalid_redirect_uri", "cursor://anysphere", "unless an operator")
    assert flow.authorize(redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback").status_code == 400


@pytest.mark.spec("RFC 9700", "2.1")
def test_the_port_of_localhost_varies_for_native_apps_and_by_a_setting(
    registrant: Registrant, browser: Browser, settings: Any
) -> None:
    def status(**document: Any) -> int:
        registrant.registered(redirect_uris=["http://localhost:8080/cb"], token_endpoint_auth_method="none", **document)
        flow = Flow(registrant.row, browser)
        assert flow.authorize(redirect_uri="http://localhost:51234/other").status_code == 400
        return flow.authorize(redirect_uri="http://localhost:51234/cb").status_code

    assert (status(application_type="native"), status(), status(application_type="web")) == (200, 400, 400)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"any_port_of_localhost": True}
    assert (status(), status(application_type="web")) == (200, 200)


@pytest.mark.spec("RFC 8252", "7.3")
def test_localhost_without_a_port_is_any_port(registrant: Registrant, browser: Browser) -> None:
    registrant.registered(redirect_uris=["http://localhost/callback"], token_endpoint_auth_method="none")
    flow = Flow(registrant.row, browser)
    assert flow.authorize(redirect_uri="http://localhost:3118/callback").status_code == 200
    assert flow.authorize(redirect_uri="http://localhost:3118/other").status_code == 400
    assert flow.authorize(redirect_uri="http://127.0.0.1:3118/callback").status_code == 400
    assert flow.authorize(redirect_uri="http://localhost:311811/callback").status_code == 400


@pytest.mark.spec("MCP", "step-up-authorization-flow")
class TestMoreThanItRegistered:
    """An agent registers with the scopes of its first challenge, and is told later that it needs more."""

    def test_people_are_asked_and_the_tokens_have_it(self, registrant: Registrant, browser: Browser) -> None:
        registrant.registered(scope="notes:read", grant_types=CODE, token_endpoint_auth_method="none")
        flow = Flow(registrant.row, browser)
        page = flow.authorize(scope="notes:read notes:write")
        assert "write and delete your notes" in page.content.decode().lower()
        tokens = flow.exchange(answered(flow.decide(page))["code"]).json()
        assert tokens["scope"] == "notes:read notes:write"
        assert flow.refresh(tokens["refresh_token"]).json()["scope"] == "notes:read notes:write"

    def test_nobody_but_the_person_adds_to_what_was_allowed(
        self, registrant: Registrant, browser: Browser, settings: Any
    ) -> None:
        registrant.registered(scope="notes:read", grant_types=CODE, token_endpoint_auth_method="none")
        flow = Flow(registrant.row, browser)
        tokens = flow.tokens(scope="notes:read")
        more = {"scope": "notes:read notes:write"}
        assert answered(flow.authorize(**more, prompt="none"))["error"] == "consent_required"
        assert flow.refresh(tokens["refresh_token"], **more).json()["error"] == "invalid_scope"
        tokens = flow.exchange(answered(flow.decide(flow.authorize(**more)))["code"]).json()
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration_scopes": "default"}
        assert flow.refresh(tokens["refresh_token"]).json().get("scope", "notes:read") == "notes:read"

    def test_it_asks_for_what_it_registered_where_it_names_no_scope(
        self, registrant: Registrant, browser: Browser
    ) -> None:
        registrant.registered(scope="notes:read", token_endpoint_auth_method="none")
        assert Flow(registrant.row, browser).tokens(scope=None)["scope"] == "notes:read"

    @pytest.mark.parametrize("limited", [{"registration_scopes": "default"}, {"registration": "protected"}])
    def test_not_where_the_settings_limit_it(
        self, registrant: Registrant, browser: Browser, settings: Any, limited: dict[str, str]
    ) -> None:
        registrant.registered(scope="notes:read", token_endpoint_auth_method="none")
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | limited
        assert answered(Flow(registrant.row, browser).authorize(scope="notes:write"))["error"] == "invalid_scope"

    @pytest.mark.parametrize(
        "decided", [{"registered_by": "operator"}, {"registered_by": "token"}, {"skip_consent": True}]
    )
    def test_not_where_an_operator_decides_what_it_may_ask_for(
        self, registrant: Registrant, browser: Browser, decided: dict[str, Any]
    ) -> None:
        registrant.registered(scope="notes:read", token_endpoint_auth_method="none")
        Client.objects.update(**decided)
        assert answered(Flow(registrant.row, browser).authorize(scope="notes:write"))["error"] == "invalid_scope"

    def test_not_where_nobody_is_asked(self, registrant: Registrant, browser: Browser) -> None:
        registrant.registered(scope="notes:read")
        client = registrant.row
        client.metadata["grant_types"].append("client_credentials")
        client.save()
        flow = Flow(client, browser)
        client.secret = registrant.information["client_secret"]
        asked = {"grant_type": "client_credentials", "scope": "notes:write"}
        assert flow.token(**asked).json()["error"] == "invalid_scope"
        assert flow.token(**asked | {"scope": "notes:read"}).json()["scope"] == "notes:read"


class TestAClientThatNamesNoScope:
    """Neither when it registers, nor when it asks."""

    def shown(self, registrant: Registrant, browser: Browser, **params: Any) -> str:
        registrant.registered(token_endpoint_auth_method="none")
        return Flow(registrant.row, browser).authorize(**params).content.decode().lower()

    def test_it_may_ask_for_what_the_metadata_offer(self, registrant: Registrant, browser: Browser) -> None:
        assert "write and delete your notes" in self.shown(registrant, browser, scope="notes:write")

    def test_the_person_is_asked_for_what_it_registered_but_not_for_a_sign_in(
        self, registrant: Registrant, browser: Browser
    ) -> None:
        shown = self.shown(registrant, browser, scope=None)
        assert "see your notes" in shown and "write and delete your notes" in shown
        assert str(OPENID_SCOPES["email"].description).lower() not in shown

    def test_the_default_is_all_that_is_asked_for_where_there_is_one(
        self, registrant: Registrant, browser: Browser, settings: Any
    ) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ["notes:read"]}
        shown = self.shown(registrant, browser, scope=None)
        assert "see your notes" in shown and "write and delete your notes" not in shown

    def test_one_that_an_operator_registered_has_to_say(self, flow: Flow) -> None:
        assert answered(flow.authorize(scope=None))["error"] == "invalid_scope"
