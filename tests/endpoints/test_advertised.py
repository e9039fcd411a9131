"""What the metadata advertises is accepted at the endpoints, and what it does not is refused there (RFC 8414 section 2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser

from django_oauth_server.clients.methods.client_secret_post import ClientSecretPost
from tests.assertions import KEY, assertion, jwks, proof
from tests.factories import ClientFactory, UserFactory
from tests.flow import VERIFIER, Flow, answered

pytestmark = [pytest.mark.django_db, pytest.mark.spec("RFC 8414", "2")]

FORM = "application/x-www-form-urlencoded"
GRANT_TYPES = [
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
RESPONSE_TYPES = [
    "code",
    "token",
    "id_token",
    "code token",
    "code id_token",
    "code id_token token",
    "id_token token",
    "none",
]
RESPONSE_MODES = ["query", "fragment", "form_post", "web_message", "query.jwt"]
METHODS = [
    "client_secret_basic",
    "client_secret_post",
    "none",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
]
CHALLENGE_METHODS = ["S256", "plain", "S512"]
SCOPES = ["notes:read", "notes:write", "email", "openid", "admin"]


@pytest.fixture(params=["oauth2_1", "openid_connect", "legacy"], autouse=True)
def _profile(request: pytest.FixtureRequest, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": request.param}


@pytest.fixture
def offered(client: Browser) -> dict[str, Any]:
    return client.get("/.well-known/oauth-authorization-server").json()


@pytest.fixture
def flow(browser: Browser) -> Flow:
    """A client that may use all that there is."""
    return Flow(
        ClientFactory(metadata__grant_types=[*GRANT_TYPES, "implicit"], metadata__response_types=RESPONSE_TYPES),
        browser,
    )


def refusal(flow: Flow, **params: Any) -> str:
    """The error at the authorization endpoint; empty where the person is asked."""
    response = flow.authorize(**params)
    return answered(response)["error"] if response.status_code == 303 else ""


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
def test_grant_types(flow: Flow, offered: dict[str, Any], grant_type: str) -> None:
    unsupported = flow.token(grant_type=grant_type).json().get("error") == "unsupported_grant_type"
    assert unsupported is (grant_type not in offered["grant_types_supported"])


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_response_types(flow: Flow, offered: dict[str, Any], response_type: str) -> None:
    advertised = response_type in offered["response_types_supported"]
    assert refusal(flow, response_type=response_type, nonce="n", scope="openid") == (
        "" if advertised else "unsupported_response_type"
    )
    if response_type == "token":
        assert ("implicit" in offered["grant_types_supported"]) is advertised


@pytest.mark.parametrize("response_mode", RESPONSE_MODES)
def test_response_modes(flow: Flow, offered: dict[str, Any], response_mode: str) -> None:
    advertised = response_mode in offered["response_modes_supported"]
    assert refusal(flow, response_mode=response_mode) == ("" if advertised else "invalid_request")


@pytest.mark.parametrize("method", CHALLENGE_METHODS)
def test_code_challenge_methods(flow: Flow, offered: dict[str, Any], method: str) -> None:
    advertised = method in offered["code_challenge_methods_supported"]
    asked = {"code_challenge": VERIFIER, "code_challenge_method": method}
    assert refusal(flow, **asked) == ("" if advertised else "invalid_request")


@pytest.mark.parametrize("scope", SCOPES)
def test_scopes(browser: Browser, offered: dict[str, Any], scope: str) -> None:
    flow = Flow(ClientFactory(metadata__scope=" ".join(SCOPES)), browser)
    assert refusal(flow, scope=scope) == ("" if scope in offered["scopes_supported"] else "invalid_scope")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_client_authentication_methods(offered: dict[str, Any], endpoint: str, method: str) -> None:
    keys = {"metadata__jwks": jwks(KEY)} if method == "private_key_jwt" else {}
    client = ClientFactory(public=method == "none", metadata__token_endpoint_auth_method=method, **keys)
    flow = Flow(client, Browser())
    body = {"grant_type": "authorization_code", "code": "x", "token": "x"}
    if method.endswith("_jwt"):
        body |= proof(assertion(client))
    elif method != "client_secret_basic":
        body |= {"client_id": client.client_id} | ({"client_secret": client.secret} if client.secret else {})
    headers, _ = flow._authenticate("", {}) if method == "client_secret_basic" else ({}, {})
    path = urlsplit(offered[f"{endpoint}_endpoint"]).path
    response = Browser().post(path, "&".join(f"{name}={value}" for name, value in body.items()), FORM, headers=headers)
    accepted = response.status_code != 401
    assert accepted is (method in offered[f"{endpoint}_endpoint_auth_methods_supported"])


def test_every_address_answers(offered: dict[str, Any]) -> None:
    browser = Browser()
    browser.force_login(UserFactory())
    addresses = {name: value for name, value in offered.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(addresses) >= 8
    for address in addresses.values():
        assert address.startswith(offered["issuer"])
        assert browser.get(urlsplit(address).path).status_code in {200, 400, 401, 405}


def test_the_issuer_is_on_the_answer(flow: Flow, offered: dict[str, Any]) -> None:
    assert offered["authorization_response_iss_parameter_supported"] is True
    assert answered(flow.decide(flow.authorize()))["iss"] == offered["issuer"]


class NoSecretInTheBody(ClientSecretPost):
    """Takes the place of the built-in method, and is switched off."""

    def enabled(self, settings: Any) -> bool:
        return False


def test_a_component_that_took_a_place_and_is_switched_off_leaves_it_empty(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [f"{__name__}.NoSecretInTheBody"]}
    offered = Browser().get("/.well-known/oauth-authorization-server").json()
    assert "client_secret_post" not in offered["token_endpoint_auth_methods_supported"]
    client = ClientFactory(metadata__token_endpoint_auth_method="client_secret_post")
    sent = {"client_id": client.client_id, "client_secret": client.secret}
    refused = Flow(client, Browser()).token(authorization=None, grant_type="client_credentials", **sent)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
