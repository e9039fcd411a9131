"""Registrations as editors and agents send them (RFC 7591): each works as it is, up to its tokens."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.conf import OPENID_SCOPES
from tests.flow import Flow, answered
from tests.registration.conftest import Registrant, initial_access_token, refused

pytestmark = pytest.mark.django_db

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CODE = ["authorization_code", "refresh_token"]
ALL = ["notes:read", "notes:write", *OPENID_SCOPES]
VS_CODE = {
    "client_name": "Visual Studio Code",
    "client_uri": "https://code.visualstudio.com",
    "grant_types": [*CODE, DEVICE],
    "response_types": ["code"],
    "redirect_uris": [
        "https://insiders.vscode.dev/redirect",
        "https://vscode.dev/redirect",
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
    ],
    "token_endpoint_auth_method": "none",
    "application_type": "native",
}
CURSOR = {
    "client_name": "Cursor",
    "grant_types": CODE,
    "response_types": ["code"],
    "redirect_uris": [
        "http://localhost:8787/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ],
    "token_endpoint_auth_method": "none",
}
AGENTS: dict[str, tuple[dict[str, Any], str]] = {
    "VS Code, on loopback": (VS_CODE, "http://127.0.0.1:51234/"),
    "VS Code, in a browser": (VS_CODE, "https://vscode.dev/redirect"),
    "Cursor": (CURSOR, "cursor://anysphere.cursor-mcp/oauth/callback"),
    "Cursor, on loopback": (CURSOR, "http://localhost:8787/callback"),
    "Claude Code": (
        {
            "client_name": "Claude Code (notes)",
            "redirect_uris": ["http://localhost:54545/callback"],
            "grant_types": CODE,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        },
        "http://localhost:54545/callback",
    ),
    "Claude": (
        {
            "client_name": "Claude",
            "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
            "grant_types": CODE,
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
            "scope": "notes:read claudeai",
        },
        "https://claude.ai/api/mcp/auth_callback",
    ),
    "MCP Inspector": (
        {
            "client_name": "MCP Inspector",
            "client_uri": "https://github.com/modelcontextprotocol/inspector",
            "redirect_uris": ["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug"],
            "grant_types": CODE,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": "",
        },
        "http://localhost:6274/oauth/callback/debug",
    ),
    "mcp-remote": (
        {
            "client_name": "MCP CLI Proxy",
            "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
            "redirect_uris": ["http://127.0.0.1:3334/oauth/callback"],
            "grant_types": CODE,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
            "software_version": "0.1.29",
            "scope": "openid email profile groups",
        },
        "http://127.0.0.1:3335/oauth/callback",
    ),
    "one of everything": (
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
        "https://everything.example/cb",
    ),
}


@pytest.fixture(autouse=True)
def _cursors_scheme_is_allowed(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"private_use_schemes": ["cursor"]}


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize(("document", "redirect_uri"), AGENTS.values(), ids=AGENTS.keys())
def test_an_agent_registers_as_it_does_and_gets_its_tokens(
    registrant: Registrant, browser: Browser, document: dict[str, Any], redirect_uri: str
) -> None:
    told = registrant.registered(**document)
    usable = [one for one in document["grant_types"] if one in {*CODE, DEVICE}]
    assert (told["grant_types"], told["response_types"]) == (usable, ["code"])
    assert told["redirect_uris"] == document["redirect_uris"]
    flow = Flow(registrant.row, browser)
    sent = {"client_id": told["client_id"], "client_secret": told.get("client_secret")}
    code = flow.code(redirect_uri=redirect_uri, scope=told["scope"])
    tokens = flow.exchange(code, redirect_uri=redirect_uri, authorization=None, **sent).json()
    assert tokens["scope"] == " ".join(sorted(told["scope"].split()))
    assert flow.refresh(tokens["refresh_token"], authorization=None, **sent).status_code == 200


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
@pytest.mark.parametrize("document", [document for document, _ in AGENTS.values()], ids=AGENTS.keys())
def test_the_answer_sent_back_as_it_is_changes_nothing(registrant: Registrant, document: dict[str, Any]) -> None:
    told = registrant.registered(**document)
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
