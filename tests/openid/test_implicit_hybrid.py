"""Implicit, hybrid and none: what each response type returns, where, and bound to what (OpenID Connect Core sections 3.2 and 3.3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client as Browser

from django_oauth_server.tokens.id_token import half_hash
from tests.factories import ClientFactory
from tests.flow import Flow, answered
from tests.openid.conftest import RESPONSE_TYPES, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

PARTS = {
    "code": {"code"},
    "id_token": {"id_token"},
    "id_token token": {"id_token", "access_token", "token_type", "expires_in", "scope"},
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token", "token_type", "expires_in", "scope"},
    "code id_token token": {"code", "id_token", "access_token", "token_type", "expires_in", "scope"},
    "none": set(),
}


def ask(rp: Flow, response_type: str, **params: Any) -> Any:
    asked = {"response_type": response_type, "scope": "openid", "nonce": "n"} | params
    response = rp.authorize(**asked)
    return response if response.status_code == 303 else rp.decide(response)


@pytest.mark.requirement(23)
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_each_response_type_returns_its_parts_and_nothing_else(rp: Flow, response_type: str) -> None:
    location = urlsplit(ask(rp, response_type)["Location"])
    where, elsewhere = (
        (location.query, location.fragment)
        if response_type in {"code", "none"}
        else (location.fragment, location.query)
    )
    assert dict(parse_qsl(where)).keys() == PARTS[response_type] | {"state", "session_state", "iss"}
    assert elsewhere == ""


@pytest.mark.requirement(29)
@pytest.mark.parametrize("response_type", [name for name in RESPONSE_TYPES if "id_token" in name])
def test_an_id_token_is_bound_to_what_comes_with_it(rp: Flow, user: Any, response_type: str) -> None:
    parts = answered(ask(rp, response_type))
    claims = read(parts["id_token"])
    assert claims["nonce"] == "n"
    assert claims["sub"] == str(user.pk)
    assert claims.get("at_hash") == (half_hash(parts["access_token"], "RS256") if "access_token" in parts else None)
    assert claims.get("c_hash") == (half_hash(parts["code"], "RS256") if "code" in parts else None)


@pytest.mark.spec("OpenID Connect Core", "3.3.3.6")
def test_the_code_of_a_hybrid_answer_buys_an_id_token_of_the_same_sign_in(rp: Flow) -> None:
    parts = answered(ask(rp, "code id_token token"))
    front, back = read(parts["id_token"]), read(rp.exchange(parts["code"]).json()["id_token"])
    assert all(front[name] == back[name] for name in ("iss", "sub", "aud", "nonce", "auth_time", "sid"))


@pytest.mark.spec("OpenID Connect Core", "5.4")
def test_claims_of_the_scopes_are_in_the_id_token_where_nothing_could_fetch_them(rp: Flow, user: Any) -> None:
    user.email = "alice@example.com"
    user.save()
    alone = read(answered(ask(rp, "id_token", scope="openid email"))["id_token"])
    assert alone["email"] == "alice@example.com"
    beside = read(answered(ask(rp, "id_token token", scope="openid email"))["id_token"])
    assert "email" not in beside


@pytest.mark.requirement(18)
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_a_nonce_is_needed_where_an_id_token_travels_in_the_browser(rp: Flow, response_type: str) -> None:
    response = rp.authorize(response_type=response_type, scope="openid", nonce=None)
    if "id_token" not in response_type:
        assert response.status_code == 200
        return
    assert answered(response)["error"] == "invalid_request"
    assert "nonce" in answered(response)["error_description"]
    assert urlsplit(response["Location"]).query == ""


@pytest.mark.parametrize("response_type", [name for name in RESPONSE_TYPES if "id_token" in name])
def test_an_id_token_needs_the_scope_openid(rp: Flow, response_type: str) -> None:
    response = rp.authorize(response_type=response_type, scope="notes:read", nonce="n")
    assert answered(response)["error"] == "invalid_scope"


@pytest.mark.requirement(23)
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_form_post_keeps_all_of_it_out_of_addresses(rp: Flow, response_type: str) -> None:
    page = ask(rp, response_type, response_mode="form_post").content.decode()
    assert f'action="{rp.redirect_uri}"' in page
    assert all(f'name="{part}"' in page for part in PARTS[response_type] | {"state", "iss"})


@pytest.mark.parametrize("response_type", [name for name in RESPONSE_TYPES if name not in {"code", "none"}])
def test_tokens_never_go_to_the_query(rp: Flow, response_type: str) -> None:
    response = rp.authorize(response_type=response_type, scope="openid", nonce="n", response_mode="query")
    assert urlsplit(response["Location"]).query == ""
    assert answered(response)["error"] == "invalid_request"


@pytest.mark.requirement(16)
@pytest.mark.requirement(23)
def test_errors_go_where_the_answer_would_have_gone_with_state_unchanged(rp: Flow) -> None:
    state = "~" + "s" * 130 + " +%&"
    response = rp.authorize(response_type="code id_token", scope="openid", nonce=None, state=state)
    told = dict(parse_qsl(urlsplit(response["Location"]).fragment))
    assert told["state"] == state
    assert told.keys() <= {"error", "error_description", "state", "session_state", "iss"}


@pytest.mark.parametrize("profile", ["oauth2_1", "legacy"])
def test_other_profiles_offer_no_hybrid(rp: Flow, settings: Any, profile: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": profile}
    response = rp.authorize(response_type="code id_token", scope="openid", nonce="n")
    assert answered(response)["error"] == "unsupported_response_type"


def test_the_order_of_the_parts_in_the_request_means_nothing(rp: Flow) -> None:
    assert answered(ask(rp, "token id_token code")).keys() >= {"code", "id_token", "access_token"}


@pytest.mark.parametrize("response_type", ["code id_token", "code token", "id_token"])
def test_a_client_uses_what_it_registered(browser: Browser, response_type: str) -> None:
    plain = Flow(ClientFactory(), browser)
    response = plain.authorize(response_type=response_type, scope="openid", nonce="n")
    assert answered(response)["error"] == "unauthorized_client"


def test_a_public_client_sends_a_challenge_wherever_a_code_comes_back(browser: Browser, relying_party: Any) -> None:
    relying_party.metadata["token_endpoint_auth_method"] = "none"
    relying_party.save()
    public = Flow(relying_party, browser)
    without = {"scope": "openid", "nonce": "n", "code_challenge": None, "code_challenge_method": None}
    assert answered(public.authorize(response_type="code id_token", **without))["error"] == "invalid_request"
    assert public.authorize(response_type="id_token", **without).status_code == 200


def test_none_records_consent_and_returns_nothing(rp: Flow) -> None:
    assert ask(rp, "none", scope="openid notes:read").status_code == 303
    assert rp.authorize(response_type="code", scope="openid notes:read").status_code == 303
