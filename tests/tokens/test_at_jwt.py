"""JWT access tokens (RFC 9068)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from django_oauth_server.conf import Resource
from django_oauth_server.models import Token
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def jwts(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}


def decoded(token: str) -> jwt.Token:
    """Verified with what is published, as anybody would."""
    keys = KeySet.import_key_set(Browser().get("/oauth/jwks").json())
    return jwt.decode(token, keys, algorithms=["ES256", "RS256"])


@pytest.mark.usefixtures("jwts")
@pytest.mark.spec("RFC 9068", "2.2")
def test_header_and_claims(flow: Flow, user: Any) -> None:
    token = decoded(flow.tokens()["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    claims = token.claims
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"]
    assert {name: claims[name] for name in ("iss", "sub", "aud", "client_id", "scope")} == {
        "iss": "https://as.example",
        "sub": str(user.pk),
        "aud": "https://as.example",
        "client_id": flow.client.client_id,
        "scope": "notes:read notes:write",
    }


@pytest.mark.parametrize("where", ["issuer", "client", "resource"])
def test_the_format_is_the_issuers_the_clients_or_the_resources(browser: Browser, settings: Any, where: str) -> None:
    notes = "https://api.example/notes"
    settings.OAUTH_SERVER = (
        settings.OAUTH_SERVER
        | {
            "issuer": {"access_token_format": "at+jwt"},
            "client": {},
            "resource": {"resources": {notes: Resource("Notes", access_token_format="at+jwt")}},
        }[where]
    )
    flow = Flow(ClientFactory(access_token_format="at+jwt" if where == "client" else ""), browser)
    assert flow.tokens(resource=notes)["access_token"].count(".") == 2


def test_a_client_may_choose_opaque_where_the_issuer_does_not(browser: Browser, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}
    flow = Flow(ClientFactory(access_token_format="opaque"), browser)
    assert flow.tokens()["access_token"].startswith("oas_at_")


def test_rs256_where_the_issuer_says_so(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt", "signing_alg": "RS256"}
    assert decoded(flow.tokens()["access_token"]).header["alg"] == "RS256"


@pytest.mark.usefixtures("jwts")
def test_several_resources_are_a_list(flow: Flow) -> None:
    both = ["https://api.example/notes", "https://api.example/mail"]
    assert decoded(flow.tokens(resource=both)["access_token"]).claims["aud"] == both


@pytest.mark.usefixtures("jwts")
def test_a_clients_own_is_not_stored() -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    token = flow.token(grant_type="client_credentials", scope="email").json()["access_token"]
    assert decoded(token).claims["sub"] == flow.client.client_id
    assert not Token.objects.exists()


@pytest.mark.usefixtures("jwts")
def test_an_honest_retry_says_the_same(browser: Browser) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    first = flow.tokens()["refresh_token"]
    one, other = (decoded(flow.refresh(first).json()["access_token"]).claims for _ in range(2))
    assert one == other


def test_lifetimes_are_the_clients_and_the_resources(browser: Browser, settings: Any) -> None:
    notes = "https://api.example/notes"
    brief = Resource("Notes", access_token_lifetime=timedelta(minutes=5))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": {notes: brief}}
    flow = Flow(ClientFactory(access_token_lifetime=timedelta(minutes=10)), browser)
    assert flow.tokens()["expires_in"] == 600
    assert flow.tokens(resource=notes)["expires_in"] == 300


@pytest.mark.usefixtures("jwts")
@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize("change", [{"alg": "none"}, {"alg": "HS256"}, {"typ": "JWT"}, {"kid": "other"}])
def test_another_header_is_worth_nothing(flow: Flow, change: dict[str, str]) -> None:
    token = flow.tokens()["access_token"]
    header = jws.extract_compact(token.encode()).headers() | change
    encoded = _base64(json.dumps(header).encode())
    assert not flow.is_active(".".join([encoded, *token.split(".")[1:]]))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
