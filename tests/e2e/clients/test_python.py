"""requests-oauthlib and Authlib."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey

from tests.e2e.clients.conftest import Register
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example

pytestmark = pytest.mark.e2e

CALLBACK = "https://client.example/callback"
SCOPE = ["notes:read", "notes:write"]
PUBLIC = {"token_endpoint_auth_method": "none"}
BASIC = {"token_endpoint_auth_method": "client_secret_basic"}
POST = {"token_endpoint_auth_method": "client_secret_post"}


@pytest.fixture(autouse=True)
def _plain_http_on_this_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    yield


def registered(register: Register, **more: Any) -> dict[str, str]:
    return register(
        client_name="A library",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        scope=" ".join(SCOPE),
        **more,
    )


def metadata(example: Example) -> dict[str, str]:
    return requests.get(f"{example.url}/.well-known/oauth-authorization-server").json()


@pytest.mark.parametrize("method", [PUBLIC, BASIC, POST])
def test_requests_oauthlib(example: Example, register: Register, person: Person, method: dict[str, str]) -> None:
    requests_oauthlib = pytest.importorskip("requests_oauthlib")
    client, server = registered(register, **method), metadata(example)
    secret = client.get("client_secret")
    session = requests_oauthlib.OAuth2Session(client["client_id"], redirect_uri=CALLBACK, scope=SCOPE, pkce="S256")
    url, state = session.authorization_url(server["authorization_endpoint"])
    answer = person.answer(url)
    assert parse_qs(urlsplit(answer).query)["iss"] == [example.url]

    credentials = (
        {"include_client_id": True}
        if secret is None
        else {"client_secret": secret, "include_client_id": method is POST}
    )
    bought = session.fetch_token(server["token_endpoint"], authorization_response=answer, **credentials)
    assert session.get(f"{example.url}/api/notes/").status_code == 200

    extra = {"client_id": client["client_id"]} | ({"client_secret": secret} if method is POST else {})
    auth = (client["client_id"], secret) if method is BASIC else None
    refreshed = session.refresh_token(server["token_endpoint"], auth=auth, **({} if method is BASIC else extra))
    assert refreshed["access_token"] != bought["access_token"]
    assert (refreshed["refresh_token"] != bought["refresh_token"]) == (method is PUBLIC)


@pytest.mark.parametrize("method", [PUBLIC, BASIC, POST])
def test_authlib(example: Example, register: Register, person: Person, method: dict[str, str]) -> None:
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    client, server = registered(register, **method), metadata(example)
    session = authlib.OAuth2Session(
        client["client_id"],
        client.get("client_secret"),
        redirect_uri=CALLBACK,
        scope=" ".join(SCOPE),
        code_challenge_method="S256",
        token_endpoint=server["token_endpoint"],
        revocation_endpoint_auth_method=method["token_endpoint_auth_method"],
        **method,
    )
    verifier = "v" * 50
    url, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    bought = session.fetch_token(authorization_response=person.answer(url), state=state, code_verifier=verifier)
    assert session.get(f"{example.url}/api/notes/").status_code == 200
    refreshed = session.refresh_token(server["token_endpoint"], refresh_token=bought["refresh_token"])
    assert refreshed["access_token"] != bought["access_token"]
    if method is not PUBLIC:
        assert session.introspect_token(server["introspection_endpoint"], token=refreshed["access_token"]).json()[
            "active"
        ]
    assert session.revoke_token(server["revocation_endpoint"], token=session.token["refresh_token"]).status_code == 200
    refused = requests.get(
        f"{example.url}/api/notes/", headers={"Authorization": f"Bearer {refreshed['access_token']}"}
    )
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_authlib_is_told_what_is_wrong(example: Example, register: Register) -> None:
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    base = pytest.importorskip("authlib.integrations.base_client")
    client, server = registered(register, **PUBLIC), metadata(example)
    session = authlib.OAuth2Session(client["client_id"], redirect_uri=CALLBACK, token_endpoint_auth_method="none")
    with pytest.raises(base.OAuthError, match="invalid_grant"):
        session.fetch_token(server["token_endpoint"], grant_type="authorization_code", code="made-up")


def test_client_credentials(example: Example, register: Register) -> None:
    oauth2 = pytest.importorskip("oauthlib.oauth2")
    requests_oauthlib = pytest.importorskip("requests_oauthlib")
    client = register(client_name="A service", grant_types=["client_credentials"], scope="notes:read")
    session = requests_oauthlib.OAuth2Session(
        client=oauth2.BackendApplicationClient(client["client_id"], scope=["notes:read"])
    )
    token = session.fetch_token(
        metadata(example)["token_endpoint"], client_id=client["client_id"], client_secret=client["client_secret"]
    )
    assert token["scope"] == ["notes:read"]
    assert session.get(f"{example.url}/api/notes/").status_code == 403  # nobody's notes: a person is needed


@pytest.mark.spec("RFC 7523", "2.2")
@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
def test_authlib_signs_assertions(example: Example, register: Register, person: Person, method: str) -> None:
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    rfc7523 = pytest.importorskip("authlib.oauth2.rfc7523")
    key = RSAKey.generate_key(2048)
    keys = {"jwks": {"keys": [key.as_dict(private=False)]}} if method == "private_key_jwt" else {}
    client, server = registered(register, token_endpoint_auth_method=method, **keys), metadata(example)
    session = authlib.OAuth2Session(
        client["client_id"],
        key if keys else client["client_secret"],
        redirect_uri=CALLBACK,
        scope=" ".join(SCOPE),
        code_challenge_method="S256",
        token_endpoint=server["token_endpoint"],
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )
    signs = rfc7523.PrivateKeyJWT if keys else rfc7523.ClientSecretJWT
    session.register_client_auth_method(signs(server["issuer"]))  # the audience
    verifier = "v" * 50
    url, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    bought = session.fetch_token(authorization_response=person.answer(url), state=state, code_verifier=verifier)
    assert session.get(f"{example.url}/api/notes/").status_code == 200
    refreshed = session.refresh_token(server["token_endpoint"], refresh_token=bought["refresh_token"])
    assert refreshed["access_token"] != bought["access_token"]
    assert session.introspect_token(server["introspection_endpoint"], token=refreshed["access_token"]).json()["active"]
    assert session.revoke_token(server["revocation_endpoint"], token=refreshed["refresh_token"]).status_code == 200
