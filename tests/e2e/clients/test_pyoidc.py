"""pyoidc's relying party (the package `oic`), which knows no PKCE unless it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.clients.conftest import register_at
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example

pytestmark = pytest.mark.e2e
oic = pytest.importorskip("oic.oic", reason="oic is not installed")
message = pytest.importorskip("oic.oic.message")
methods = pytest.importorskip("oic.utils.authn.client").CLIENT_AUTHN_METHOD

CALLBACK = "https://client.example/callback"
SIGNED_OUT = "https://client.example/signed-out"


def discovered(server: Example) -> Any:
    """A client that has read the provider's configuration and keys."""
    client = oic.Client(client_authn_method=methods)
    client.provider_config(server.url)
    client.base_url, client.redirect_uris = "https://client.example/", [CALLBACK]
    client.post_logout_redirect_uris = [SIGNED_OUT]
    return client


@pytest.fixture(scope="module")
def registered(provider: Example) -> dict[str, Any]:
    return register_at(provider)(
        client_name="pyoidc",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token", "implicit"],
        response_types=["code", "code id_token token"],
        scope="openid profile email offline_access",
    )


@pytest.fixture
def rp(provider: Example, registered: dict[str, Any]) -> Any:
    """Known by what an operator registered."""
    client = discovered(provider)
    client.store_registration_info(message.RegistrationResponse(**registered))
    return client


def ask(rp: Any, response_type: str = "code", **more: Any) -> str:
    arguments = {
        "response_type": response_type.split(),
        "scope": ["openid", "profile", "email", "offline_access"],
        "redirect_uri": CALLBACK,
        "state": "state-1",
        "nonce": "nonce-1",
        "prompt": "consent",  # whatever was allowed before
        **more,
    }
    return rp.construct_AuthorizationRequest(request_args=arguments).request(rp.authorization_endpoint)


def read(rp: Any, answer: str) -> Any:
    """The authorization response, verified: `iss`, and the ID token of a hybrid one with its hashes."""
    parts = urlsplit(answer)
    info = parts.fragment or parts.query
    return rp.parse_response(message.AuthorizationResponse, info=info, sformat="urlencoded", keyjar=rp.keyjar)


def redeem(rp: Any, answer: Any) -> Any:
    """The tokens, the ID token verified."""
    arguments = {"code": answer["code"], "redirect_uri": CALLBACK}
    return rp.do_access_token_request(state="state-1", request_args=arguments, authn_method="client_secret_basic")


@pytest.mark.requirement(29)
@pytest.mark.requirement(33)
@pytest.mark.requirement(35)
def test_code_flow(rp: Any, person_at_provider: Person) -> None:
    tokens = redeem(rp, read(rp, person_at_provider.answer(ask(rp))))
    assert tokens["id_token"]["nonce"] == "nonce-1"
    for how in ({"method": "GET"}, {"method": "POST", "behavior": "token_in_message_body"}):
        told = rp.do_user_info_request(state="state-1", **how)
        assert told["sub"] == tokens["id_token"]["sub"]
        assert told["email"] == "demo@example.com"
    again = rp.do_access_token_refresh(state="state-1", authn_method="client_secret_basic")
    assert again["id_token"]["auth_time"] == tokens["id_token"]["auth_time"]


@pytest.mark.requirement(23)
@pytest.mark.requirement(29)
def test_hybrid_flow(rp: Any, person_at_provider: Person) -> None:
    answer = read(rp, person_at_provider.answer(ask(rp, "code id_token token")))
    assert answer["id_token"]["c_hash"]
    assert answer["id_token"]["at_hash"]
    assert redeem(rp, answer)["id_token"]["sub"] == answer["id_token"]["sub"]


@pytest.mark.requirement(24)
def test_claims_are_asked_for_by_name(rp: Any, person_at_provider: Person) -> None:
    named = message.ClaimsRequest(
        userinfo=message.Claims(nickname={"essential": True}), id_token=message.Claims(auth_time={"essential": True})
    )
    tokens = redeem(rp, read(rp, person_at_provider.answer(ask(rp, scope=["openid"], claims=named))))
    assert tokens["id_token"]["auth_time"]
    assert rp.do_user_info_request(method="GET", state="state-1")["nickname"] == "Ada"


@pytest.mark.requirement(19)
def test_it_is_told_that_nobody_is_signed_in(rp: Any, person_at_provider: Person) -> None:
    answer = read(rp, person_at_provider.is_sent(ask(rp, prompt="none")))
    assert answer["error"] == "login_required"


@pytest.mark.requirement(38)
@pytest.mark.requirement(39)
@pytest.mark.requirement(43)
def test_it_registers_itself_and_signs_out(provider: Example, person_at_provider: Person) -> None:
    rp = discovered(provider)
    registered = rp.register(rp.provider_info["registration_endpoint"], client_name="pyoidc, registered by itself")
    assert rp.registration_read()["redirect_uris"] == registered["redirect_uris"] == [CALLBACK]
    tokens = redeem(rp, read(rp, person_at_provider.answer(ask(rp))))
    assert rp.do_user_info_request(method="GET", state="state-1")["sub"] == tokens["id_token"]["sub"]
    leaves = rp.construct_EndSessionRequest(
        state="state-1", request_args={"post_logout_redirect_uri": SIGNED_OUT, "state": "state-1"}
    )
    answer = person_at_provider.leaves_for(leaves.request(rp.end_session_endpoint))
    assert answer == f"{SIGNED_OUT}?state=state-1"


@pytest.mark.requirement(25)
def test_a_request_object_with_claims_in_it(provider: Example, person_at_provider: Person, tmp_path: Path) -> None:
    rp = discovered(provider)
    wanted = {"type": "RSA", "use": ["sig"], "path": str(tmp_path)}  # it writes down what it makes
    keys = pytest.importorskip("oic.utils.keyio").build_keyjar([wanted])
    published, rp.keyjar[""] = keys[0], keys[1][""]
    registered = register_at(provider)(
        client_name="pyoidc, which signs its requests",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code"],
        scope="openid profile",
        jwks=published,
    )
    rp.client_id, rp.client_secret = registered["client_id"], registered["client_secret"]
    request = rp.construct_AuthorizationRequest(
        request_args={
            "response_type": ["code"],
            "scope": ["openid"],
            "redirect_uri": CALLBACK,
            "state": "state-1",
            "nonce": "nonce-1",
        },
        request_method="parameter",
        request_object_signing_alg="RS256",
        userinfo_claims={"nickname": {"essential": True}},
    )
    assert "request" in request
    redeem(rp, read(rp, person_at_provider.answer(request.request(rp.authorization_endpoint))))
    assert rp.do_user_info_request(method="GET", state="state-1")["nickname"] == "Ada"
