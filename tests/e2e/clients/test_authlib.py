"""Authlib's OpenID Connect client, in its Django integration."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from joserfc.jwk import RSAKey

from tests.e2e.clients.conftest import register_at
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example

pytestmark = pytest.mark.e2e
django_client = pytest.importorskip("authlib.integrations.django_client", reason="Authlib is not installed")
rfc7523 = pytest.importorskip("authlib.oauth2.rfc7523")

CALLBACK = "https://client.example/callback"
SIGNED_OUT = "https://client.example/signed-out"
SCOPE = "openid profile email address phone offline_access"
KEY = RSAKey.generate_key(2048, {"kid": "rp-1", "use": "sig"})
METHODS: dict[str, dict[str, object]] = {
    "none": {},
    "client_secret_basic": {},
    "client_secret_post": {},
    "client_secret_jwt": {},
    "private_key_jwt": {"jwks": {"keys": [KEY.as_dict(private=False)]}},
}
OF_THE_ENDPOINT = {"client_secret_jwt", "private_key_jwt"}
"""Its assertions name the token endpoint as their audience, which OAuth 2.1 forbids and OpenID Connect allows."""


class RelyingParty:
    """A Django project's view of the library: two requests, one session."""

    def __init__(self, server: Example, client: dict[str, Any]) -> None:
        self.session: dict[str, Any] = {}
        method = client["token_endpoint_auth_method"]
        self.app = django_client.OAuth().register(
            "example",
            client_id=client["client_id"],
            client_secret=KEY.as_dict(private=True) if method == "private_key_jwt" else client.get("client_secret"),
            server_metadata_url=f"{server.url}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": self._method(method, server),
            },
        )

    def begin(self, **params: str) -> str:
        return self.app.authorize_redirect(self._request("/login"), CALLBACK, **params)["Location"]

    def finish(self, answer: str) -> dict[str, Any]:
        """The tokens; the ID token's signature, issuer, audience, times, nonce and at_hash are verified."""
        return self.app.authorize_access_token(self._request("/callback?" + urlsplit(answer).query))

    def leave(self, id_token: str) -> str:
        return self.app.logout_redirect(self._request("/logout"), SIGNED_OUT, id_token)["Location"]

    def has_left(self, answer: str) -> bool:
        """Whether *answer* brings back the state that it sent."""
        return bool(self.app.validate_logout_response(self._request("/signed-out?" + urlsplit(answer).query)))

    def _request(self, path: str) -> HttpRequest:
        request = RequestFactory().get(path)
        request.session = self.session
        return request

    def _method(self, name: str, server: Example) -> object:
        endpoint = f"{server.url}/oauth/token"
        methods = {"client_secret_jwt": rfc7523.ClientSecretJWT, "private_key_jwt": rfc7523.PrivateKeyJWT}
        return methods[name](endpoint) if name in methods else name


@pytest.fixture(autouse=True)
def _plain_http_on_this_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def registered(server: Example, method: str) -> dict[str, Any]:
    return register_at(server)(
        client_name="Authlib",
        redirect_uris=[CALLBACK],
        post_logout_redirect_uris=[SIGNED_OUT],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method=method,
        scope=SCOPE,
        **METHODS[method],
    )


@pytest.fixture(scope="module")
def client(example: Example) -> dict[str, Any]:
    return registered(example, "client_secret_basic")


@pytest.fixture
def rp(example: Example, client: dict[str, Any]) -> RelyingParty:
    return RelyingParty(example, client)


@pytest.mark.requirement(29)
@pytest.mark.requirement(33)
@pytest.mark.requirement(36)
@pytest.mark.parametrize("method", METHODS)
def test_code_flow(request: pytest.FixtureRequest, method: str) -> None:
    server: Example = request.getfixturevalue("provider" if method in OF_THE_ENDPOINT else "example")
    rp, person = RelyingParty(server, registered(server, method)), Person(server.password)
    token = rp.finish(person.answer(rp.begin()))
    assert "name" not in token["userinfo"]  # the ID token's claims, by its name for them
    assert token["userinfo"]["at_hash"]
    told = rp.app.userinfo(token=token)
    assert told["sub"] == token["userinfo"]["sub"]
    assert told["email"] == "demo@example.com"
    assert told["address"]["locality"] == "London"
    refreshed = rp.app.fetch_access_token(grant_type="refresh_token", refresh_token=token["refresh_token"])
    again = rp.app.parse_id_token(refreshed, nonce=None)
    assert {name: again[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: token["userinfo"][name] for name in ("iss", "sub", "aud", "auth_time")
    }


@pytest.mark.requirement(19)
def test_it_is_told_that_nobody_is_signed_in(rp: RelyingParty, person: Person) -> None:
    with pytest.raises(django_client.OAuthError, match="login_required"):
        rp.finish(person.is_sent(rp.begin(prompt="none")))


@pytest.mark.requirement(24)
def test_a_claim_is_asked_for_by_its_name(rp: RelyingParty, person: Person) -> None:
    asked = '{"userinfo": {"nickname": {"essential": true}}, "id_token": {"given_name": null}}'
    token = rp.finish(person.answer(rp.begin(scope="openid", claims=asked, prompt="consent")))
    assert token["userinfo"]["given_name"] == "Ada"
    told = rp.app.userinfo(token=token)
    assert set(told) == {"sub", "nickname"}


@pytest.mark.requirement(43)
@pytest.mark.requirement(46)
def test_signing_out(rp: RelyingParty, person: Person) -> None:
    token = rp.finish(person.answer(rp.begin(prompt="consent")))
    answer = person.leaves_for(rp.leave(token["id_token"]))
    assert answer.startswith(SIGNED_OUT)
    assert rp.has_left(answer)
    with pytest.raises(django_client.OAuthError, match="login_required"):
        rp.finish(person.is_sent(rp.begin(prompt="none")))
