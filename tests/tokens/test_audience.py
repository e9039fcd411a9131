"""For whom an access token is (RFC 8707): how resources are compared, and what is said of the default one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from django_oauth_server.conf import Resource
from django_oauth_server.conf.loader import load
from django_oauth_server.keys.signing import published_keys
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db

WRITTEN, ASKED = "https://api.example", "https://api.example/"
SPELLINGS = ["https://api.example", "https://api.example/", "HTTPS://API.example", "https://api.example:443/"]


def audience_of(jwt: str) -> object:
    """The `aud` of a JWT access token, its signature verified with the published keys."""
    return jose.verify(jwt, published_keys(default_issuer()), typ="at+jwt")["aud"]


@pytest.fixture(params=[WRITTEN, ASKED])
def api(request: pytest.FixtureRequest, settings: Any) -> str:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": {request.param: "API"}}
    return str(request.param)


@pytest.mark.spec("RFC 3986", "6.2.3")
@pytest.mark.parametrize("asked", SPELLINGS)
def test_a_slash_behind_a_host_makes_no_other_resource(flow: Flow, api: str, asked: str) -> None:
    answer = flow.exchange(flow.code(resource=asked), resource=ASKED)
    assert answer.status_code == 200, answer.content
    assert flow.introspect(answer.json()["access_token"])["aud"] == [api]
    assert flow.refresh(answer.json()["refresh_token"], resource=WRITTEN).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "https://api.example/x",
        "http://api.example",
        "https://api.example:444",
        "https://[",
        "https://api.example.evil",
        "https://api.example/#",
        "https://api.example/?",
        "https://user@api.example",
        "https://api.example/.",
        "https://api.example//",
        "https://api.example.",
    ],
)
def test_anything_else_does(flow: Flow, api: str, asked: str) -> None:
    assert answered(flow.authorize(resource=asked))["error"] == "invalid_target"


def test_the_aud_of_a_jwt_is_as_the_settings_write_it(flow: Flow, api: str, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}
    assert audience_of(flow.tokens(resource=ASKED)["access_token"]) == api


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.parametrize("serves", [WRITTEN, ASKED])
def test_who_serves_the_resource_introspects_its_tokens(flow: Flow, api: str, serves: str) -> None:
    server = Flow(ClientFactory(metadata__grant_types=[], metadata__resource_identifiers=[serves]), Browser())
    assert server.is_active(flow.tokens(resource=ASKED)["access_token"])


@pytest.mark.spec("OAuth 2.1", "7.1.4")
def test_a_resource_server_compares_alike(flow: Flow, api: str, settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"resource": "https://API.example"}
    token = flow.tokens(resource=ASKED)["access_token"]
    assert Browser().get("/notes", headers={"Authorization": f"Bearer {token}"}).status_code != 401


def test_one_resource_is_written_once(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": {WRITTEN: "API", ASKED: "API"}}
    with pytest.raises(ImproperlyConfigured, match="twice"):
        load()


@pytest.fixture
def limited(settings: Any) -> str:
    said = Resource(
        "Notes", scopes=("notes:read",), access_token_format="at+jwt", access_token_lifetime=timedelta(seconds=60)
    )
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_resource": ASKED, "resources": {WRITTEN: said}}
    return WRITTEN


@pytest.mark.spec("RFC 8707", "2.2")
def test_what_is_said_of_the_default_resource_holds_where_none_is_named(flow: Flow, limited: str) -> None:
    tokens = flow.tokens()
    assert (tokens["scope"], tokens["expires_in"], audience_of(tokens["access_token"])) == ("notes:read", 60, limited)
    refreshed = flow.refresh(tokens["refresh_token"]).json()
    assert (refreshed["scope"], refreshed["expires_in"]) == ("notes:read", 60)


def test_it_holds_where_a_client_acts_for_itself(limited: str) -> None:
    service = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    answer = service.token(grant_type="client_credentials").json()
    assert (answer["scope"].split()[0], answer["expires_in"]) == ("address", 60)
    assert "notes:write" not in answer["scope"]


@pytest.mark.spec("OpenID Connect Core", "5.3.1")
def test_signing_in_works_beside_it(flow: Flow, limited: str) -> None:
    tokens = flow.tokens(scope="openid email")
    assert tokens["scope"] == "email openid"
    assert flow.userinfo(tokens["access_token"])["sub"]
