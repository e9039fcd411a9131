"""The authorization code flow with the scope `openid` (OpenID Connect Core section 3.1)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.keys.signing import jwks
from django_oauth_server.registry import default_issuer
from django_oauth_server.tokens.id_token import half_hash
from tests.flow import Flow
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]


@pytest.mark.requirement(29)
@pytest.mark.spec("OpenID Connect Core", "2")
def test_an_id_token_says_who_signed_in_when_and_for_whom(rp: Flow, user: Any) -> None:
    tokens = rp.tokens(scope="openid", nonce="n-0S6_WzA2Mj")
    claims = read(tokens["id_token"])
    assert abs(claims["iat"] - datetime.now().timestamp()) < 300
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["iat"] - 60 < claims["auth_time"] <= claims["iat"]
    assert claims["sid"]
    assert {name: claims[name] for name in ("iss", "sub", "aud", "azp", "nonce", "amr", "at_hash")} == {
        "iss": "https://as.example",
        "sub": str(user.pk),
        "aud": rp.client.client_id,
        "azp": rp.client.client_id,
        "nonce": "n-0S6_WzA2Mj",
        "amr": ["pwd"],
        "at_hash": half_hash(tokens["access_token"], "RS256"),
    }
    assert claims.keys() <= {"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "amr"}


@pytest.mark.requirement(30)
def test_profile_claims_are_not_in_it_unless_they_are_asked_for_there(rp: Flow, user: Any) -> None:
    user.email = "alice@example.com"
    user.save()
    plain = read(rp.tokens(scope="openid email profile")["id_token"])
    assert not {"email", "preferred_username"} & plain.keys()
    wanted = json.dumps({"id_token": {"email": {"essential": True}}})
    assert read(rp.tokens(scope="openid email", claims=wanted)["id_token"])["email"] == "alice@example.com"


def test_without_the_scope_openid_there_is_no_id_token(rp: Flow) -> None:
    assert "id_token" not in rp.tokens(scope="notes:read")


@pytest.mark.requirement(33)
@pytest.mark.spec("OpenID Connect Core", "12.2")
def test_refreshing_says_the_same_of_the_person_and_the_sign_in(rp: Flow) -> None:
    tokens = rp.tokens(scope="openid", nonce="n")
    refreshed = rp.refresh(tokens["refresh_token"]).json()
    before, after = read(tokens["id_token"]), read(refreshed["id_token"])
    assert all(before[name] == after[name] for name in ("iss", "sub", "aud", "azp", "auth_time", "sid", "amr"))
    assert "nonce" not in after
    assert after["at_hash"] == half_hash(refreshed["access_token"], "RS256")


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA"])
def test_a_client_chooses_the_algorithm(rp: Flow, settings: Any, alg: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"signing_algs": ["RS256", "ES256", "PS256", "EdDSA"]}
    rp.client.metadata["id_token_signed_response_alg"] = alg
    rp.client.save()
    tokens = rp.tokens(scope="openid")
    kid_and_alg = {(key["kid"], key["alg"]) for key in jwks(default_issuer())["keys"]}
    header = json.loads(_decoded(tokens["id_token"].split(".")[0]))
    assert header["alg"] == alg and (header["kid"], alg) in kid_and_alg
    assert read(tokens["id_token"])["at_hash"] == half_hash(tokens["access_token"], alg)


def _decoded(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "==")


@pytest.mark.requirement(22)
def test_the_order_of_scopes_and_parameters_means_nothing(rp: Flow) -> None:
    asked = {"nonce": "n", "scope": "email openid", "response_type": "code"}
    assert read(rp.tokens(**asked)["id_token"])["nonce"] == "n"


@pytest.mark.requirement(32)
def test_a_confidential_client_may_go_without_a_challenge_and_may_use_one(rp: Flow) -> None:
    code = rp.code(scope="openid", code_challenge=None, code_challenge_method=None)
    assert rp.exchange(code, code_verifier=None).status_code == 200
    assert rp.tokens(scope="openid")["id_token"]


@pytest.mark.spec("OpenID Connect Discovery", "4")
def test_the_configuration_is_where_relying_parties_look(client: Browser) -> None:
    document = client.get("/.well-known/openid-configuration")
    assert document.json() == client.get("/.well-known/oauth-authorization-server").json()
    assert document["Access-Control-Allow-Origin"] == "*"
