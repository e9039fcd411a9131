"""ID tokens and userinfo as a client registered them: signed with its algorithm, encrypted for its keys (OpenID Connect Core section 10)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import create_client, new_secret, validate
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.keys.signing import published_keys
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import DecryptionKeyPair
from django_oauth_server.registry import default_issuer
from django_oauth_server.tokens.id_token import half_hash
from tests.assertions import KEY, jwks
from tests.factories import ClientFactory
from tests.flow import END_SESSION, USERINFO, Flow, answered
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

RSA, EC = DecryptionKeyPair.generate("RSA-OAEP-256"), DecryptionKeyPair.generate("ECDH-ES+A128KW")
STRANGER = DecryptionKeyPair.generate("ECDH-ES+A128KW")
CALLBACK = {"redirect_uris": ["https://rp.example/callback"], "scope": "openid"}


def registered(rp: Flow, *pairs: Any, **metadata: Any) -> Flow:
    """The same relying party, which registered these members as well, and the public keys of *pairs*."""
    client = ClientFactory(**{f"metadata__{name}": value for name, value in {**rp.client.metadata, **metadata}.items()})
    if pairs:
        client.metadata["jwks"] = jwks(*pairs)
        client.save()
    return Flow(client, rp.browser)


def asked(flow: Flow, token: str = "") -> HttpResponse:
    token = token or flow.tokens(scope="openid profile")["access_token"]
    return Browser().get(USERINFO, headers={"Authorization": f"Bearer {token}"})


def header(token: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))


@pytest.mark.requirement(37)
@pytest.mark.spec("OpenID Connect Core", "5.3.2")
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_userinfo_is_signed_with_the_algorithm_that_was_registered(rp: Flow, user: Any, alg: str) -> None:
    flow = registered(rp, userinfo_signed_response_alg=alg)
    token = flow.tokens(scope="openid profile", nonce="n")["access_token"]
    answer = asked(flow, token)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jwt")
    assert answer["Cache-Control"] == "no-store"
    said = answer.content.decode()
    assert header(said)["alg"] == alg and header(said)["kid"]
    assert jose.verify(said, published_keys(default_issuer()), typ="JWT") == {
        "iss": "https://as.example",
        "aud": flow.client.client_id,
        "sub": str(user.pk),
        "preferred_username": user.username,
    }


def test_without_one_it_is_plain_json(rp: Flow) -> None:
    assert asked(rp)["Content-Type"] == "application/json"


@pytest.mark.spec("OpenID Connect Core", "10.1")
def test_hs256_signs_under_the_clients_secret(rp: Flow, user: Any) -> None:
    flow = registered(rp, id_token_signed_response_alg="HS256", userinfo_signed_response_alg="HS256")
    tokens = flow.tokens(scope="openid", nonce="n")
    claims = jose.verify_with_secret(tokens["id_token"], flow.client.secret, typ="JWT")
    assert (claims["sub"], claims["nonce"]) == (str(user.pk), "n")
    assert claims["at_hash"] == half_hash(tokens["access_token"], "HS256")
    said = asked(flow, tokens["access_token"]).content.decode()
    assert jose.verify_with_secret(said, flow.client.secret, typ="JWT")["sub"] == str(user.pk)


def test_a_new_secret_signs_at_once(rp: Flow) -> None:
    flow = registered(rp, id_token_signed_response_alg="HS256")
    flow.client.secret = new_secret(flow.client, default_issuer(), timezone.now())
    assert jose.verify_with_secret(flow.tokens(scope="openid")["id_token"], flow.client.secret, typ="JWT")


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_an_id_token_under_the_secret_is_a_hint_for_its_client_alone(rp: Flow) -> None:
    flow = registered(rp, id_token_signed_response_alg="HS256")
    hint = flow.tokens(scope="openid")["id_token"]
    silent = {"scope": "openid", "prompt": "none"}
    assert "code" in answered(flow.authorize(**silent, id_token_hint=hint))
    other = registered(rp, id_token_signed_response_alg="HS256")
    other.tokens(scope="openid")
    assert answered(other.authorize(**silent, id_token_hint=hint))["error"] == "invalid_request"


@pytest.mark.parametrize("audience", [None, 1, ["rp"], "nobody", "a\0b", "\ud800", "x" * 1000])
def test_a_hint_under_a_secret_that_names_no_such_client_is_refused(rp: Flow, audience: Any) -> None:
    claims = {"iss": "https://as.example", "sub": "1", "exp": 2**31, "aud": audience}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    forged = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, b"signature"])
    assert answered(rp.authorize(scope="openid", prompt="none", id_token_hint=forged))["error"] == "invalid_request"


def test_a_secret_is_no_key_for_a_client_that_did_not_choose_it(rp: Flow, user: Any) -> None:
    claims = {"iss": "https://as.example", "sub": str(user.pk), "exp": 2**31, "aud": rp.client.client_id}
    forged = jose.sign_with_secret(claims, rp.client.secret, typ="JWT")
    assert answered(rp.authorize(scope="openid", prompt="none", id_token_hint=forged))["error"] == "invalid_request"


@pytest.mark.spec("OpenID Connect RP-Initiated Logout", "2")
def test_an_id_token_under_the_secret_signs_out_too(rp: Flow) -> None:
    back = "https://rp.example/bye"
    flow = registered(rp, id_token_signed_response_alg="HS256", post_logout_redirect_uris=[back])
    hint = flow.tokens(scope="openid")["id_token"]
    asking = {"id_token_hint": hint, "post_logout_redirect_uri": back}
    assert 'id="logout-confirm"' in rp.browser.get(END_SESSION, asking).content.decode()


@pytest.mark.spec("RFC 8725", "3.12")
def test_a_signed_userinfo_response_is_no_id_token_hint(rp: Flow) -> None:
    flow = registered(rp, userinfo_signed_response_alg="RS256")
    said = asked(flow).content.decode()
    assert answered(flow.authorize(scope="openid", prompt="none", id_token_hint=said))["error"] == "invalid_request"


def test_a_secret_that_cannot_be_read_signs_nothing(rp: Flow, caplog: pytest.LogCaptureFixture) -> None:
    flow = registered(rp, id_token_signed_response_alg="HS256")
    code = flow.code(scope="openid")
    flow.client.encrypted_secret = ""
    flow.client.save()
    refused = flow.exchange(code)
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert "its secret is no key" in caplog.text and flow.client.secret not in caplog.text


@pytest.mark.spec("OpenID Connect Core", "16.14")
@pytest.mark.parametrize("enc", [None, "A256GCM"])
@pytest.mark.parametrize("pair", [RSA, EC], ids=lambda pair: pair.alg)
def test_an_id_token_is_signed_then_encrypted(rp: Flow, user: Any, pair: DecryptionKeyPair, enc: str | None) -> None:
    chosen = {"id_token_encrypted_response_enc": enc} if enc else {}
    flow = registered(rp, pair, id_token_encrypted_response_alg=pair.alg, **chosen)
    tokens = flow.tokens(scope="openid", nonce="n")
    assert (
        header(tokens["id_token"]).items()
        >= {
            "alg": pair.alg,
            "enc": enc or "A128CBC-HS256",
            "cty": "JWT",
            "kid": pair.kid,
        }.items()
    )
    claims = read(jose.decrypt(tokens["id_token"], [pair]))
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (str(user.pk), flow.client.client_id, "n")
    assert claims["at_hash"] == half_hash(tokens["access_token"], "RS256")
    assert read(jose.decrypt(flow.refresh(tokens["refresh_token"]).json()["id_token"], [pair]))["sub"] == str(user.pk)


def test_an_id_token_in_the_fragment_is_encrypted_too(rp: Flow, user: Any) -> None:
    flow = registered(rp, EC, id_token_encrypted_response_alg=EC.alg)
    asking = {"response_type": "code id_token", "scope": "openid", "nonce": "n"}
    answer = answered(flow.decide(flow.authorize(**asking)))
    claims = read(jose.decrypt(answer["id_token"], [EC]))
    assert claims["c_hash"] == half_hash(answer["code"], "RS256")


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_what_was_inside_is_the_hint(rp: Flow) -> None:
    flow = registered(rp, EC, id_token_encrypted_response_alg=EC.alg)
    hint = jose.decrypt(flow.tokens(scope="openid")["id_token"], [EC])
    assert "code" in answered(flow.authorize(scope="openid", prompt="none", id_token_hint=hint))


@pytest.mark.spec("OpenID Connect Core", "5.3.2")
def test_userinfo_is_signed_then_encrypted(rp: Flow, user: Any) -> None:
    flow = registered(rp, EC, userinfo_signed_response_alg="ES256", userinfo_encrypted_response_alg=EC.alg)
    answer = asked(flow)
    assert answer["Content-Type"] == "application/jwt"
    inner = jose.decrypt(answer.content.decode(), [EC])
    assert jose.verify(inner, published_keys(default_issuer()), typ="JWT")["sub"] == str(user.pk)


def test_userinfo_may_be_encrypted_alone(rp: Flow, user: Any) -> None:
    flow = registered(rp, EC, userinfo_encrypted_response_alg=EC.alg)
    answer = asked(flow)
    assert answer["Content-Type"] == "application/jwt"
    assert "cty" not in header(answer.content.decode())
    claims = json.loads(jose.decrypt(answer.content.decode(), [EC]))
    assert (claims["sub"], claims["aud"]) == (str(user.pk), flow.client.client_id)


def test_nobody_else_can_read_it(rp: Flow) -> None:
    flow = registered(rp, EC, id_token_encrypted_response_alg=EC.alg)
    with pytest.raises(jose.InvalidJWT):
        jose.decrypt(flow.tokens(scope="openid")["id_token"], [STRANGER])


@pytest.mark.parametrize(
    "keys", [{"jwks": jwks(KEY)}, {"jwks_uri": "https://127.0.0.1:9/keys"}], ids=["unfit", "unreachable"]
)
def test_without_a_key_nothing_is_sent_in_clear_and_the_code_is_not_spent(
    rp: Flow, keys: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    flow = registered(rp, id_token_encrypted_response_alg="RSA-OAEP-256", **keys)
    code = flow.code(scope="openid")
    refused = flow.exchange(code)
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert "id_token" not in refused.json() and "access_token" not in refused.json()
    assert "keys" in refused.json()["error_description"]
    assert "it cannot be encrypted for" in caplog.text and f"client_id {flow.client.client_id!r}" in caplog.text
    flow.client.metadata = {**flow.client.metadata, "jwks": jwks(RSA)}
    flow.client.metadata.pop("jwks_uri", None)
    flow.client.save()
    assert jose.decrypt(flow.exchange(code).json()["id_token"], [RSA])


def test_userinfo_without_a_key_is_not_told_in_clear(rp: Flow, caplog: pytest.LogCaptureFixture) -> None:
    flow = registered(rp, KEY, userinfo_encrypted_response_alg="RSA-OAEP")
    refused = asked(flow)
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert refused.json().keys() == {"error", "error_description", "error_reference"} and refused["Retry-After"]
    assert "cannot be encrypted for" in caplog.text


def long(octets: int) -> str:
    """An odd number of so many octets, as a JWK has it."""
    return base64.urlsafe_b64encode(b"\xff" * octets).rstrip(b"=").decode()


NO_KEYS = {
    "ECDH-ES": {"kty": "OKP", "crv": "X25519", "x": base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()},
    "RSA-OAEP": {"kty": "RSA", "n": long(2100), "e": "AQAB"},
    "RSA-OAEP-256": {"kty": "RSA", "n": long(500), "e": long(40)},
}
"""What has the form of a public key, and is none that anything can be encrypted for: a point of low order, and more bits than OpenSSL takes."""


@pytest.mark.parametrize("alg", NO_KEYS)
def test_a_key_that_nothing_can_be_encrypted_for_is_as_none(rp: Flow, alg: str) -> None:
    chosen = {f"{use}_encrypted_response_alg": alg for use in ("id_token", "userinfo")}
    jwks = {"keys": [NO_KEYS[alg]]}
    with pytest.raises(InvalidClientMetadata):
        validate(CALLBACK | chosen | {"jwks": jwks}, terms_of(default_issuer()))
    flow = registered(rp, jwks=jwks, **chosen)  # at a jwks_uri it would be seen no sooner
    refused = flow.exchange(flow.code(scope="openid"))
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")


def test_in_the_fragment_too_nothing_is_sent_in_clear(rp: Flow) -> None:
    flow = registered(rp, KEY, id_token_encrypted_response_alg="RSA-OAEP")
    answer = answered(flow.decide(flow.authorize(response_type="id_token", scope="openid", nonce="n")))
    assert answer["error"] == "temporarily_unavailable" and "id_token" not in answer


REFUSED = [
    ({"id_token_encrypted_response_enc": "A128GCM", "jwks": jwks(RSA)}, "id_token_encrypted_response_enc"),
    ({"userinfo_encrypted_response_enc": "A128GCM", "jwks": jwks(RSA)}, "userinfo_encrypted_response_enc"),
    ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "id_token_encrypted_response_alg"),
    ({"userinfo_encrypted_response_alg": "RSA-OAEP"}, "userinfo_encrypted_response_alg"),
    ({"id_token_encrypted_response_alg": "RSA-OAEP", "jwks": jwks(EC)}, "id_token_encrypted_response_alg"),
    ({"id_token_encrypted_response_alg": "RSA1_5", "jwks": jwks(RSA)}, "id_token_encrypted_response_alg"),
    ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg"),
    ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
    (
        {"id_token_signed_response_alg": "HS256", "token_endpoint_auth_method": "none"},
        "id_token_signed_response_alg",
    ),
    (
        {"userinfo_signed_response_alg": "HS256", "token_endpoint_auth_method": "none"},
        "userinfo_signed_response_alg",
    ),
]


@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
@pytest.mark.parametrize(("metadata", "member"), REFUSED)
def test_what_could_not_be_kept_is_refused_at_registration(metadata: dict[str, Any], member: str) -> None:
    with pytest.raises(InvalidClientMetadata) as refused:
        validate(CALLBACK | metadata, terms_of(default_issuer()))
    assert refused.value.member == member


@pytest.mark.parametrize(
    "keys", [{"jwks": jwks(RSA)}, {"jwks_uri": "https://rp.example/keys"}], ids=["jwks", "jwks_uri"]
)
def test_either_kind_of_keys_will_do(keys: dict[str, Any]) -> None:
    chosen = {f"{use}_encrypted_response_alg": "RSA-OAEP-256" for use in ("id_token", "userinfo")}
    assert validate(CALLBACK | chosen | keys, terms_of(default_issuer())).items() >= chosen.items()


def test_a_client_of_hs256_that_authenticates_with_a_key_has_a_secret_all_the_same() -> None:
    chosen = {"id_token_signed_response_alg": "HS256", "token_endpoint_auth_method": "private_key_jwt"}
    _, secret = create_client(CALLBACK | chosen | {"jwks": jwks(KEY)}, default_issuer())
    assert secret


@pytest.mark.spec("OpenID Connect Discovery", "3")
def test_the_metadata_says_what_may_be_chosen(client: Browser) -> None:
    document = client.get("/.well-known/openid-configuration").json()
    for use in ("id_token", "userinfo"):
        assert {"RS256", "ES256", "HS256"} <= set(document[f"{use}_signing_alg_values_supported"])
        assert "none" not in document[f"{use}_signing_alg_values_supported"]
        assert {"RSA-OAEP", "ECDH-ES"} <= set(document[f"{use}_encryption_alg_values_supported"])
        assert "RSA1_5" not in document[f"{use}_encryption_alg_values_supported"]
        assert {"A128CBC-HS256", "A256GCM"} <= set(document[f"{use}_encryption_enc_values_supported"])
