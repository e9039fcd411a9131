"""What certification looks at on the wire, beside the stories that the other files tell."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from tests.flow import Flow, answered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

REGISTERED = frozenset(
    [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "registration_endpoint",
        "scopes_supported",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "service_documentation",
        "ui_locales_supported",
        "op_policy_uri",
        "op_tos_uri",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "device_authorization_endpoint",
        "pushed_authorization_request_endpoint",
        "require_pushed_authorization_requests",
        "dpop_signing_alg_values_supported",
        "code_challenge_methods_supported",
        "userinfo_endpoint",
        "acr_values_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "id_token_encryption_alg_values_supported",
        "id_token_encryption_enc_values_supported",
        "userinfo_signing_alg_values_supported",
        "userinfo_encryption_alg_values_supported",
        "userinfo_encryption_enc_values_supported",
        "request_object_signing_alg_values_supported",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
        "display_values_supported",
        "claim_types_supported",
        "claims_supported",
        "claims_locales_supported",
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
        "require_signed_request_object",
        "authorization_response_iss_parameter_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "check_session_iframe",
        "end_session_endpoint",
        "prompt_values_supported",
    ]
)
"""The names that IANA's registry of authorization server metadata has, of those that could be of use here."""


@pytest.fixture
def document(client: Browser) -> dict[str, Any]:
    response = client.get("/.well-known/openid-configuration")
    assert response.status_code == 200 and response["Content-Type"] == "application/json"
    return response.json()


@pytest.mark.requirement(1)
def test_the_issuer_is_the_url_that_it_was_fetched_from(document: dict[str, Any]) -> None:
    parts = urlsplit(document["issuer"])
    assert document["issuer"] == "https://as.example"
    assert (parts.scheme, parts.query, parts.fragment) == ("https", "", "")


@pytest.mark.requirement(2)
def test_every_endpoint_is_https(document: dict[str, Any]) -> None:
    endpoints = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri", "_iframe"))}
    assert endpoints and all(value.startswith("https://as.example/") for value in endpoints.values())


@pytest.mark.requirement(3)
def test_only_registered_names(document: dict[str, Any]) -> None:
    assert document.keys() <= REGISTERED


@pytest.mark.requirement(4)
def test_id_tokens_are_signed_with_rs256_and_with_a_newer_algorithm(document: dict[str, Any]) -> None:
    algs = document["id_token_signing_alg_values_supported"]
    assert algs[0] == "RS256" and {"PS256", "ES256", "EdDSA"}.intersection(algs) and "none" not in algs


@pytest.mark.requirement(5)
def test_response_types_and_grant_types_for_dynamic_registration(document: dict[str, Any]) -> None:
    assert {"code", "id_token", "id_token token"} <= set(document["response_types_supported"])
    assert {"authorization_code", "implicit"} <= set(document["grant_types_supported"])


@pytest.mark.requirement(6)
def test_scopes_claims_and_subject_types_are_told(document: dict[str, Any]) -> None:
    assert "openid" in document["scopes_supported"]
    assert {"sub", "name", "email"} <= set(document["claims_supported"])
    assert document["subject_types_supported"] == ["public"]
    assert document["userinfo_endpoint"]


@pytest.mark.requirement(7)
def test_the_authentication_methods_of_clients_are_told(document: dict[str, Any]) -> None:
    methods = set(document["token_endpoint_auth_methods_supported"])
    assert {"client_secret_basic", "client_secret_post", "private_key_jwt"} <= methods


@pytest.mark.requirement(11)
def test_challenge_methods_are_told(document: dict[str, Any]) -> None:
    assert document["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.requirement(14)
@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_a_redirect_uri_must_be_sent_although_only_one_is_registered(rp: Flow) -> None:
    response = rp.authorize(scope="openid", redirect_uri=None)
    assert response.status_code == 400 and b"redirect_uri</code> is missing" in response.content


@pytest.mark.requirement(15)
def test_a_missing_response_type_is_told(rp: Flow) -> None:
    assert answered(rp.authorize(response_type=None))["error"] == "invalid_request"


@pytest.mark.requirement(17)
@pytest.mark.parametrize(
    "params",
    [
        {"response_type": 'co\x0dde\x0a\x09"\\'},
        {"scope": 'openid \u2603 "x"'},
        {"prompt": "\u00e4\x09"},
        {"claims": "{\x0a"},
        {"response_mode": "\u2028\\"},
        {"code_challenge": '"' * 50},
    ],
)
def test_descriptions_keep_to_their_characters(rp: Flow, params: dict[str, str]) -> None:
    told = answered(rp.authorize(**{"scope": "openid"} | params))
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", told["error_description"])


def entropy(values: list[str]) -> float:
    """Bits, as a sample of values shows them: at each place, by the characters that stand there."""
    length = min(map(len, values))
    return sum(_at_place(Counter(value[place] for value in values)) for place in range(length))


def _at_place(counts: Counter[str]) -> float:
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values())


@pytest.mark.requirement(26)
def test_codes_and_tokens_cannot_be_guessed(rp: Flow) -> None:
    codes = [rp.code(scope="openid") for _ in range(24)]
    bought = [rp.exchange(code).json() for code in codes]
    for values in (codes, [one["access_token"] for one in bought], [one["refresh_token"] for one in bought]):
        assert len(set(values)) == len(values)
        assert entropy(values) > 128


@pytest.mark.requirement(28)
def test_token_responses_are_json_that_nobody_keeps(rp: Flow) -> None:
    response: HttpResponse = rp.exchange(rp.code(scope="openid"))
    assert response["Content-Type"] == "application/json"
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
    assert response.json()["token_type"] == "Bearer" and response.json()["expires_in"] == 900


@pytest.mark.requirement(33)
def test_a_refresh_token_of_another_client_is_an_invalid_grant(rp: Flow, flow: Flow) -> None:
    assert flow.refresh(rp.tokens(scope="openid")["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.requirement(12)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_request_from_another_site_needs_no_csrf_token(rp: Flow, method: str) -> None:
    assert rp.authorize(method=method, scope="openid").status_code == 200
