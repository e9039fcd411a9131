"""django-oauth-toolkit's addresses and URL names, served by ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import clear_url_caches, include, path, reverse
from django.utils import timezone

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.pkce import challenge_of
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage import former_calls as counting
from django_oauth_server.storage.former_calls import former_calls, note_call
from tests.factories import ClientFactory, UserFactory
from tests.flow import VERIFIER, answered, form
from tests.flow import Flow as Here

spec = pytest.mark.spec
pytestmark = pytest.mark.django_db

NAMES = {
    "authorize": "/o/authorize/",
    "token": "/o/token/",
    "revoke-token": "/o/revoke_token/",
    "introspect": "/o/introspect/",
    "user-info": "/o/userinfo/",
    "oidc-connect-discovery-info": "/o/.well-known/openid-configuration",
    "oauth-server-metadata": "/o/.well-known/oauth-authorization-server",
    "jwks-info": "/o/.well-known/jwks.json",
    "rp-initiated-logout": "/o/logout/",
    "device-authorization": "/o/device-authorization/",
    "device": "/o/device/",
    "dcr-register": "/o/register/",
    "authorized-token-list": "/o/authorized_tokens/",
}
"""As `oauth2_provider.urls` has them, included at o/."""


def forget_urls() -> None:
    for name in [name for name in sys.modules if name.startswith("django_oauth_server.urls")]:
        del sys.modules[name]
    sys.modules.pop("tests.urls", None)
    clear_url_caches()


@pytest.fixture
def project(toolkit: Any, settings: Any) -> Iterator[Any]:
    """A project that was on django-oauth-toolkit at /o, and is being moved."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "issuer": "https://as.example/o",
        "scopes": {**settings.OAUTH_SERVER["scopes"], "introspection": "check tokens"},
        "adoption": {"source": "oauth_toolkit"},
    }
    forget_urls()
    urls = ModuleType("former_project_urls")
    urls.urlpatterns = [
        path("", include("django_oauth_server.urls")),
        path("accounts/", include("django.contrib.auth.urls")),
        path("o/", include("django_oauth_server.urls.oauth_toolkit")),
    ]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls.__name__
    counting._held.clear()
    yield settings
    del sys.modules[urls.__name__]
    forget_urls()


@pytest.fixture
def client(project: Any) -> Any:
    return ClientFactory(metadata__grant_types=["authorization_code", "refresh_token", "client_credentials"])


def basic(client: Any) -> dict[str, str]:
    return {"Authorization": format_basic(client.client_id, client.secret)}


def post(address: str, client: Any, **params: str) -> Any:
    media_type = "application/x-www-form-urlencoded"
    return Browser().post(address, form(params), content_type=media_type, headers=basic(client))


def tokens(client: Any, browser: Browser) -> dict[str, Any]:
    """All of the figure, at the former addresses."""
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0],
        "scope": "openid notes:read",
        "state": "xyz",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    page = browser.get("/o/authorize/", asked)
    code = answered(Here(client, browser).decide(page))["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uris[0]}
    bought = post("/o/token/", client, **grant, code_verifier=VERIFIER)
    assert bought.status_code == 200, bought.content
    return dict(bought.json())


@pytest.fixture
def browser(client: Any) -> Browser:
    browser = Browser()
    browser.force_login(UserFactory(username="ada"))
    return browser


@pytest.mark.parametrize("name", NAMES)
def test_url_names_lead_where_they_did(project, name):
    assert reverse(f"oauth2_provider:{name}") == NAMES[name]


def test_a_client_walks_the_whole_figure_at_the_former_addresses(client, browser):
    bought = tokens(client, browser)
    bearer = {"Authorization": f"Bearer {bought['access_token']}"}
    assert Browser().get("/o/userinfo/", headers=bearer).json()["sub"]
    rotated = post("/o/token/", client, grant_type="refresh_token", refresh_token=bought["refresh_token"]).json()
    assert post("/o/introspect/", client, token=rotated["access_token"]).json()["active"] is True
    assert post("/o/revoke_token/", client, token=rotated["refresh_token"]).status_code == 200
    assert post("/o/introspect/", client, token=rotated["access_token"]).json() == {"active": False}


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(client):
    asked = {"response_type": "code", "client_id": client.client_id, "redirect_uri": client.redirect_uris[0]}
    asked |= {"scope": "notes:read", "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    response = Browser().get("/o/authorize/", asked)
    assert response["Location"].startswith("/accounts/login/?next=/o/oauth/authorize")


def test_metadata_name_the_former_addresses_while_the_former_server_could_take_over_again(project):
    document = Browser().get("/o/.well-known/openid-configuration").json()
    assert document["issuer"] == "https://as.example/o"
    assert document["authorization_endpoint"] == "https://as.example/o/authorize/"
    assert document["token_endpoint"] == "https://as.example/o/token/"
    assert document["userinfo_endpoint"] == "https://as.example/o/userinfo/"
    assert document["jwks_uri"] == "https://as.example/o/.well-known/jwks.json"
    assert document["end_session_endpoint"] == "https://as.example/o/logout/"
    for address in (
        "/o/.well-known/openid-configuration/",
        "/o/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/o",
        "/.well-known/openid-configuration/o",
    ):
        assert Browser().get(address).json() == document


def test_metadata_name_the_introspection_that_says_whom_a_token_is_for(project):
    """The former one does not, and verifiers of ours need it (RFC 9700 section 2.3)."""
    document = Browser().get("/o/.well-known/oauth-authorization-server").json()
    assert document["introspection_endpoint"] == "https://as.example/o/oauth/introspect"


def test_what_metadata_name_answers(project):
    document = Browser().get("/o/.well-known/openid-configuration").json()
    for name, url in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert Browser().get(url.removeprefix("https://as.example")).status_code != 404, name


@pytest.mark.parametrize("adoption", [{}, {"source": "oauth_toolkit"}])
def test_metadata_name_our_addresses_once_nothing_can_take_over_again(project, adoption):
    project.OAUTH_SERVER = project.OAUTH_SERVER | {"adoption": adoption}
    if adoption:
        project.INSTALLED_APPS = [one for one in project.INSTALLED_APPS if one != "oauth2_provider"]
    document = Browser().get("/o/.well-known/openid-configuration").json()
    assert document["token_endpoint"] == "https://as.example/o/oauth/token"
    assert Browser().get(NAMES["jwks-info"]).json() == Browser().get("/o/oauth/jwks").json()


def said() -> dict[str, str]:
    """The hints of our own checks: the toolkit's would look for its app."""
    issuer = default_issuer()
    return {str(one.id): str(one.hint) for component in issuer.components for one in component.checks(issuer.settings)}


def test_a_check_says_that_nothing_answers_at_the_former_addresses(project):
    project.ROOT_URLCONF = "tests.urls"
    forget_urls()
    assert 'path("…", include("django_oauth_server.urls.oauth_toolkit"))' in said()["oauth_server.W018"]


def test_no_check_says_so_once_its_app_is_gone(project):
    project.ROOT_URLCONF = "tests.urls"
    project.INSTALLED_APPS = [one for one in project.INSTALLED_APPS if one != "oauth2_provider"]
    forget_urls()
    assert "oauth_server.W018" not in said()


def test_no_check_says_so_where_they_are_included(project):
    assert "oauth_server.W018" not in said()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("token", "/identity/o/api/token"),
        ("authorization", "/identity/o/authorize"),
        ("userinfo", "/identity/o/api/userinfo"),
        ("revoke", "/identity/o/api/revoke"),
        ("device_code", "/identity/o/api/device/code"),
        ("device_authorization", "/identity/o/device"),
        ("logout", "/identity/o/logout"),
        ("jwks", "/.well-known/jwks.json"),
    ],
)
def test_allauths_names_and_addresses_stay_too(settings, name, address):
    forget_urls()
    urls = ModuleType("former_allauth_urls")
    urls.urlpatterns = [
        path("", include("django_oauth_server.urls")),
        path("", include("django_oauth_server.urls.allauth_idp")),
    ]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls.__name__
    try:
        assert reverse(f"idp:oidc:{name}") == address
        assert Browser().get(address).status_code != 404
    finally:
        del sys.modules[urls.__name__]
        forget_urls()


class TestIntrospection:
    """Resource servers ask as django-oauth-toolkit had them ask."""

    def test_any_confidential_client_is_told_of_any_access_token(self, client, browser):
        api = ClientFactory()
        members = post("/o/introspect/", api, token=tokens(client, browser)["access_token"]).json()
        assert members["active"] is True
        assert members["username"] == "ada"
        assert members["client_id"] == client.client_id

    def test_no_audience_is_told_where_none_was_asked_for(self, client, browser):
        """It would be taken for the addresses under which the token may be used."""
        members = post("/o/introspect/", client, token=tokens(client, browser)["access_token"]).json()
        assert "aud" not in members

    def test_the_audience_is_told_where_one_was_asked_for(self, client):
        asked = {"grant_type": "client_credentials", "scope": "notes:read", "resource": "https://api.example/notes"}
        token = post("/o/token/", client, **asked).json()["access_token"]
        assert post("/o/introspect/", client, token=token).json()["aud"] == ["https://api.example/notes"]

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_an_access_token_with_the_scope_introspection_will_do(self, client, browser, method):
        own = post("/o/token/", client, grant_type="client_credentials", scope="introspection").json()
        bearer = {"Authorization": f"Bearer {own['access_token']}"}
        asked, about = urlencode({"token": tokens(client, browser)["access_token"]}), "/o/introspect/"
        response = (
            Browser().get(f"{about}?{asked}", headers=bearer)
            if method == "get"
            else Browser().post(about, asked, content_type="application/x-www-form-urlencoded", headers=bearer)
        )
        assert response.json()["active"] is True

    @spec("RFC 7662", "2.1")
    @pytest.mark.parametrize("scope", ["notes:read", ""])
    def test_another_token_will_not(self, client, scope):
        own = post("/o/token/", client, grant_type="client_credentials", scope="notes:read").json()["access_token"]
        bearer = {"Authorization": f"Bearer {own if scope else 'oas_at_unknown'}"}
        response = Browser().get("/o/introspect/?token=x", headers=bearer)
        assert response.status_code == 401
        assert response.json()["error"] == "invalid_token"

    def test_nor_will_nothing(self, client):
        assert Browser().get("/o/introspect/?token=x").status_code == 401

    def test_a_public_client_is_told_nothing(self, project):
        public = ClientFactory(public=True)
        media_type = "application/x-www-form-urlencoded"
        body = form({"token": "x", "client_id": public.client_id})
        assert Browser().post("/o/introspect/", body, content_type=media_type).json()["error"] == "invalid_client"

    def test_a_refresh_token_is_not_active(self, client, browser):
        bought = tokens(client, browser)
        assert post("/o/introspect/", client, token=bought["refresh_token"]).json() == {"active": False}

    def test_the_endpoint_of_ours_tells_only_whose_business_it_is(self, client, browser):
        api = ClientFactory()
        token = tokens(client, browser)["access_token"]
        assert post("/o/oauth/introspect", api, token=token).json() == {"active": False}


class TestCalls:
    """Who still calls a former address is counted."""

    def calls(self) -> dict[tuple[str, str], int]:
        return {(one.address, one.client_id): one.calls for one in former_calls(default_issuer().settings.issuer)}

    def test_by_address_and_client(self, client, browser):
        tokens(client, browser)
        post("/o/introspect/", client, token="x")
        Browser().get("/o/.well-known/jwks.json")
        expected = {("authorize", client.client_id): 1, ("token", client.client_id): 1}
        assert self.calls() == expected | {("introspect", client.client_id): 1, ("jwks-info", ""): 1}

    def test_our_addresses_are_not_counted(self, client):
        post("/o/oauth/token", client, grant_type="client_credentials", scope="notes:read")
        Browser().get("/o/oauth/jwks")
        assert self.calls() == {}

    def test_whoever_is_refused_is_not_counted(self, client):
        post("/o/token/", client, grant_type="client_credentials", scope="unknown")
        Browser().get("/o/authorize/", {"client_id": "stranger"})
        assert self.calls() == {}

    def test_a_client_id_that_somebody_made_up_is_not_kept(self, project):
        Browser().get("/o/.well-known/jwks.json", {"client_id": "made up"})
        assert self.calls() == {("jwks-info", ""): 1}

    def test_a_process_writes_once_a_minute(self, client, django_assert_num_queries):
        now = timezone.now()
        for _ in range(5):
            note_call(client.issuer, "token", client.client_id, now)
        with django_assert_num_queries(0):
            note_call(client.issuer, "token", client.client_id, now + timedelta(seconds=59))
        note_call(client.issuer, "token", client.client_id, now + timedelta(minutes=1))
        assert self.calls() == {("token", client.client_id): 7}

    def printed(self, *flags: str) -> str:
        out = StringIO()
        call_command("formercalls", *flags, stdout=out)
        return out.getvalue()

    def test_the_command_shows_who_called_last(self, client):
        note_call(client.issuer, "token", client.client_id, timezone.now())
        note_call(client.issuer, "jwks-info", "", timezone.now() + timedelta(hours=1))
        first, second = self.printed().splitlines()
        assert first.startswith("jwks-info, no client named: 1 call, last ")
        assert second.startswith(f"token, {client.client_id}: 1 call, last ")

    def test_the_command_says_so_where_nobody_called(self, project):
        assert self.printed() == "Nobody has called a former address.\n"

    def test_the_command_prints_json(self, client):
        note_call(client.issuer, "token", client.client_id, timezone.now())
        (row,) = json.loads(self.printed("--json"))
        assert (row["address"], row["client_id"], row["calls"]) == ("token", client.client_id, 1)
