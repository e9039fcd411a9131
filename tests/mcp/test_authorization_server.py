"""What the authorization specification of the Model Context Protocol (2026-07-28) asks of an authorization server, by the headings of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser
from django.urls import clear_url_caches, set_urlconf

from django_oauth_server.conf import Resource
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import AUTHORIZE, Flow, answered, form
from tests.mysite.page import forget_urls

pytestmark = pytest.mark.django_db

NOTES, MAIL = "https://api.example/notes", "https://api.example/mail"
ROOT = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
BELOW = [
    "/.well-known/oauth-authorization-server/tenant1",
    "/.well-known/openid-configuration/tenant1",
    "/tenant1/.well-known/openid-configuration",
]
PLACES = [("https://as.example", path) for path in ROOT] + [("https://as.example/tenant1", path) for path in BELOW]


@pytest.fixture
def public(browser: Browser) -> Flow:
    """An agent: a client without a secret."""
    return Flow(ClientFactory(metadata__token_endpoint_auth_method="none"), browser)


@pytest.fixture
def at(settings: Any) -> Iterator[Any]:
    """Where the issuer is."""

    def move(issuer: str) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"issuer": issuer}
        forget_urls()
        clear_url_caches()
        set_urlconf(None)

    yield move
    forget_urls()


def document(path: str) -> dict[str, Any]:
    response = Browser().get(path)
    assert response.status_code == 200, path
    assert response["Access-Control-Allow-Origin"] == "*", "agents run in browsers, too"
    return response.json()


@pytest.mark.spec("MCP", "authorization-server-metadata-discovery")
@pytest.mark.parametrize(("issuer", "path"), PLACES)
def test_it_is_found_at_every_address_that_clients_try(at: Any, issuer: str, path: str) -> None:
    at(issuer)
    assert document(path)["issuer"] == issuer


@pytest.mark.spec("MCP", "authorization-code-protection")
@pytest.mark.parametrize(("issuer", "path"), PLACES)
def test_each_document_says_that_challenges_are_supported(at: Any, issuer: str, path: str) -> None:
    at(issuer)
    assert document(path)["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.spec("MCP", "authorization-code-protection")
def test_a_code_without_a_challenge_or_with_a_plain_one_is_not_handed_out(public: Flow) -> None:
    assert answered(public.authorize(code_challenge=None, code_challenge_method=None))["error"] == "invalid_request"
    assert answered(public.authorize(code_challenge_method="plain"))["error"] == "invalid_request"


@pytest.mark.spec("MCP", "overview")
def test_clients_with_and_without_a_secret_are_served(public: Flow, flow: Flow) -> None:
    methods = document(ROOT[0])["token_endpoint_auth_methods_supported"]
    assert {"none", "private_key_jwt", "client_secret_basic", "client_secret_post"} <= set(methods)
    assert public.tokens()["token_type"] == flow.tokens()["token_type"] == "Bearer"


@pytest.mark.spec("MCP", "authorization-response-validation")
def test_every_answer_names_the_issuer_and_the_metadata_say_so(public: Flow) -> None:
    assert document(ROOT[0])["authorization_response_iss_parameter_supported"] is True
    issuer = document(ROOT[0])["issuer"]
    assert answered(public.decide(public.authorize()))["iss"] == issuer
    assert answered(public.decide(public.authorize(prompt="consent"), "deny"))["iss"] == issuer
    refusal = answered(public.authorize(scope="unknown"))
    assert (refusal["error"], refusal["iss"]) == ("invalid_scope", issuer)


@pytest.mark.spec("MCP", "resource-parameter-implementation")
class TestResource:
    def test_a_token_is_for_the_resource_that_both_requests_name(self, public: Flow, flow: Flow) -> None:
        code = public.code(resource=NOTES)
        token = public.exchange(code, resource=NOTES).json()["access_token"]
        reader = Flow(ClientFactory(metadata__resource_identifiers=[NOTES]), public.browser)
        assert reader.introspect(token)["aud"] == [NOTES]
        assert not flow.is_active(token)

    def test_scheme_host_and_the_slash_behind_the_host_may_be_written_otherwise(
        self, public: Flow, settings: Any
    ) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": {"https://mcp.example": "Notes for agents"}}
        for spelt in ("https://mcp.example", "https://mcp.example/", "HTTPS://MCP.example"):
            assert public.exchange(public.code(resource=spelt), resource=spelt).status_code == 200

    @pytest.mark.parametrize("named", ["mcp.example", "https://api.example/notes#f", "https://elsewhere.example/mcp"])
    def test_what_is_no_resource_here_is_refused(self, public: Flow, named: str) -> None:
        assert answered(public.authorize(resource=named))["error"] == "invalid_target"

    def test_a_code_for_one_buys_no_token_for_another(self, public: Flow) -> None:
        refusal = public.exchange(public.code(resource=NOTES), resource=MAIL)
        assert (refusal.status_code, refusal.json()["error"]) == (400, "invalid_target")

    def test_a_refreshed_token_is_for_it_as_well(self, public: Flow) -> None:
        bought = public.exchange(public.code(resource=NOTES), resource=NOTES).json()
        refreshed = public.refresh(bought["refresh_token"], resource=NOTES).json()
        reader = Flow(ClientFactory(metadata__resource_identifiers=[NOTES]), public.browser)
        assert reader.introspect(refreshed["access_token"])["aud"] == [NOTES]
        assert public.refresh(refreshed["refresh_token"], resource=MAIL).json()["error"] == "invalid_target"


@pytest.mark.spec("MCP", "token-theft")
def test_refresh_tokens_of_clients_without_a_secret_rotate_and_reuse_ends_them(public: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"refresh_token_replay_window": timedelta(0)}
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()["refresh_token"]
    assert second != first
    assert public.refresh(first).json()["error"] == "invalid_grant"
    assert public.refresh(second).json()["error"] == "invalid_grant"


@pytest.mark.spec("MCP", "token-theft")
def test_access_tokens_are_short_lived(public: Flow) -> None:
    assert public.tokens()["expires_in"] <= 15 * 60


@pytest.mark.spec("MCP", "refresh-tokens")
class TestOfflineAccess:
    """Clients add it where the metadata of the authorization server list it, also to requests that have nothing to do with OpenID Connect."""

    def test_it_is_listed_and_may_be_asked_for_without_openid(self, public: Flow) -> None:
        assert "offline_access" in document(ROOT[0])["scopes_supported"]
        tokens = public.tokens(scope="notes:read offline_access", prompt="consent")
        assert tokens["scope"] == "notes:read offline_access"
        assert tokens["refresh_token"]

    def test_a_client_that_an_operator_registered_without_it_does_without(self, browser: Browser) -> None:
        known = ClientFactory(metadata__token_endpoint_auth_method="none", metadata__scope="notes:read")
        app = Flow(known, browser)
        tokens = app.tokens(scope="notes:read offline_access", prompt="consent")
        assert (tokens["scope"], "refresh_token" in tokens) == ("notes:read", True)
        assert app.refresh(tokens["refresh_token"], scope="notes:read offline_access").json()["scope"] == "notes:read"
        assert answered(app.authorize(scope="offline_access"))["error"] == "invalid_scope", "nothing else was asked for"
        assert answered(app.authorize(scope="notes:read notes:write"))["error"] == "invalid_scope"

    def test_refresh_tokens_do_not_depend_on_it(self, public: Flow) -> None:
        assert public.tokens(scope="notes:read")["refresh_token"]

    def test_it_may_be_asked_for_with_a_resource_that_has_scopes_of_its_own(self, public: Flow, settings: Any) -> None:
        notes = Resource("Notes for agents", scopes=("notes:read",))
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": {NOTES: notes}}
        code = public.code(scope="notes:read offline_access", resource=NOTES)
        tokens = public.exchange(code, resource=NOTES).json()
        assert "notes:read" in tokens["scope"].split()
        assert tokens["refresh_token"]


@pytest.mark.spec("MCP", "communication-security")
def test_every_endpoint_is_https() -> None:
    found = document(ROOT[0])
    addresses = [value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) > 5
    assert {urlsplit(str(one)).scheme for one in addresses} == {"https"}


@pytest.mark.spec("MCP", "open-redirection")
@pytest.mark.parametrize(
    "changed",
    ["https://client.example/callback/", "https://client.example/callback?x=1", "https://evil.example/callback", None],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(browser: Browser, changed: str | None) -> None:
    uris = ["https://client.example/callback", "https://client.example/other"]
    flow = Flow(ClientFactory(metadata__redirect_uris=uris), browser)
    page = flow.authorize(redirect_uri=changed)
    assert (page.status_code, "Location" in page) == (400, False)


@pytest.mark.spec("MCP", "open-redirection")
def test_a_link_with_a_mistake_sends_no_stranger_to_an_app(public: Flow) -> None:
    request = {"response_type": "code", "client_id": public.client.client_id, "scope": "unknown", "state": "xyz"}
    sent = Browser().get(f"{AUTHORIZE}?{form(request | {'redirect_uri': public.redirect_uri})}")
    assert sent.status_code in {302, 303}
    assert not sent["Location"].startswith(public.redirect_uri), "to sign in, first"


@pytest.mark.spec("MCP", "dynamic-client-registration")
def test_registration_is_told_where_it_is_offered(settings: Any) -> None:
    assert document(ROOT[0])["registration_endpoint"] == "https://as.example/oauth/register"
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "off"}
    assert "registration_endpoint" not in document(ROOT[0])
    assert default_issuer().settings.registration == "off"


@pytest.mark.spec("MCP", "confused-deputy-problem")
def test_each_client_is_allowed_by_itself(browser: Browser) -> None:
    first, second = (Flow(ClientFactory(registered_by="itself"), browser) for _ in range(2))
    assert first.tokens()
    assert second.authorize().status_code == 200, "asked, although the person allowed the first one the same"
