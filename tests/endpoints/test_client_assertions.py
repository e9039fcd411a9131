"""Clients that prove to be themselves by a signed assertion (RFC 7523, OpenID Connect Core section 9)."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.registration import new_secret
from django_oauth_server.models import Client
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.registry import default_issuer
from tests.assertions import (
    ISSUER,
    KEY,
    assertion,
    claims_for,
    jwks,
    key_client,
    proof,
    secret_client,
    signed,
    under_secret,
)
from tests.flow import INTROSPECT, REVOKE, TOKEN, Flow, form

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
OTHER = SigningKeyPair.generate("ES256")
RSA = SigningKeyPair.generate("RS256")
PSS = SigningKeyPair.generate("PS256")
TOKEN_URL = ISSUER + TOKEN


def ask(client: Any, jwt: str, **params: Any) -> Any:
    request = {"grant_type": "client_credentials", "scope": "notes:read"} | proof(jwt) | params
    return Flow(client, Browser()).token(authorization=None, **request)


def post(path: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
    return Browser().post(path, form(params), FORM, headers=headers or {})


@pytest.fixture
def legacy(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}


@pytest.fixture(params=[key_client, secret_client], ids=["private_key_jwt", "client_secret_jwt"])
def client(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.mark.spec("RFC 7523", "3")
def test_an_assertion_proves_who_the_client_is(client: Any) -> None:
    assert ask(client, assertion(client)).status_code == 200


@pytest.mark.spec("OpenID Connect Core", "9")
@pytest.mark.filterwarnings("ignore:EdDSA")
@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"])
def test_each_algorithm_that_is_advertised_is_accepted(alg: str) -> None:
    pair = SigningKeyPair.generate(alg)
    client = key_client(pair)
    assert ask(client, assertion(client, pair)).status_code == 200


@pytest.mark.spec("RFC 7521", "4.2")
def test_client_id_may_stand_beside_it_but_only_the_same(client: Any) -> None:
    assert ask(client, assertion(client), client_id=client.client_id).status_code == 200
    assert ask(client, assertion(client), client_id="another").json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "typ", [None, "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"]
)
def test_its_type_may_be_said(typ: str | None) -> None:
    client = key_client()
    assert ask(client, signed(claims_for(client), typ=typ)).status_code == 200


@pytest.mark.spec("OpenID Connect Core", "10.1")
def test_it_need_not_name_the_only_key_that_it_can_mean() -> None:
    client = key_client(KEY, RSA)
    assert ask(client, signed(claims_for(client), kid=None)).status_code == 200
    ambiguous = key_client(KEY, OTHER)
    assert ask(ambiguous, signed(claims_for(ambiguous), kid=None)).status_code == 401


@pytest.mark.requirement(55)
@pytest.mark.parametrize(
    "said",
    [
        {"nbf": timedelta(seconds=28)},
        {"iat": timedelta(seconds=28)},
        {"iat": None},
        {"exp": timedelta(seconds=59.5)},
        {"exp": timedelta(seconds=3590)},
        {"iat": 0},
        {"unknown": {"claim": True}},
    ],
    ids=str,
)
def test_what_may_be_said(client: Any, said: dict[str, Any]) -> None:
    assert ask(client, assertion(client, **said)).status_code == 200


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.requirement(55)
@pytest.mark.parametrize(
    "said",
    [
        {"aud": None},
        {"aud": ""},
        {"aud": "https://other.example"},
        {"aud": ISSUER + "/"},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": TOKEN_URL},
        {"aud": ISSUER + "/oauth/par"},
        {"aud": 7},
        {"aud": {"iss": ISSUER}},
        {"exp": None},
        {"exp": timedelta(seconds=-1)},
        {"exp": timedelta(seconds=4000)},
        {"exp": 10**20},
        {"exp": -1},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": timedelta(seconds=35)},
        {"iat": timedelta(seconds=35)},
        {"iat": "now"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": ["a"]},
        {"iss": None},
        {"iss": ISSUER},
        {"iss": "another"},
        {"iss": ["client"]},
    ],
    ids=str,
)
def test_what_may_not_be_said(client: Any, said: dict[str, Any]) -> None:
    response = ask(client, assertion(client, **said))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize("sub", [None, "", "another", 7, ["client"]])
def test_it_must_be_about_the_client(client: Any, sub: Any) -> None:
    assert ask(client, assertion(client, sub=sub)).status_code == 401


def unsigned(claims: dict[str, Any]) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), ""])


def with_public_key_as_secret(client: Any) -> str:
    public = KEY.key.as_pem(private=False)
    parts = [{"alg": "HS256", "kid": KEY.kid}, claims_for(client)]
    signing_input = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    mac = base64.urlsafe_b64encode(hmac.digest(public, signing_input, "sha256")).rstrip(b"=")
    return (signing_input + b"." + mac).decode()


FORGERIES: dict[str, Callable[[Any], str]] = {
    "a foreign key under the client's kid": lambda client: signed(claims_for(client), OTHER, kid=KEY.kid),
    "a foreign key": lambda client: assertion(client, OTHER),
    "alg none": lambda client: unsigned(claims_for(client)),
    "HS256 with the public key": with_public_key_as_secret,
    "HS256 with the client id": lambda client: under_secret(claims_for(client), client.client_id * 9),
    "another type": lambda client: signed(claims_for(client), typ="at+jwt"),
    "a critical member": lambda client: signed(claims_for(client), crit=["alg"]),
    "a key of its own": lambda client: signed(claims_for(client), OTHER, kid=None, jwk=OTHER.public_jwk()),
    "no signature": lambda client: assertion(client).rpartition(".")[0] + ".",
    "two parts": lambda client: assertion(client).rpartition(".")[0],
    "changed claims": lambda client: _swapped(assertion(client), unsigned(claims_for(client))),
    "junk": lambda client: "a.b.c",
    "numbers": lambda client: "MQ.MQ.MQ",
    "depth": lambda client: f"{base64.urlsafe_b64encode(b'[' * 20_000).decode()}.e30.e30",
}


def _swapped(jwt: str, other: str) -> str:
    header, _, signature = jwt.split(".")
    return ".".join([header, other.split(".")[1], signature])


@pytest.mark.spec("RFC 8725", "2.1")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_what_the_client_has_not_signed_proves_nothing(forge: Callable[[Any], str]) -> None:
    client = key_client()
    response = ask(client, forge(client))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert not UsedAssertion.objects.exists()


def test_another_clients_key_or_secret_proves_nothing() -> None:
    mine, others = secret_client(), secret_client()
    assert ask(mine, under_secret(claims_for(mine), others.secret)).status_code == 401
    assert ask(key_client(OTHER), assertion(key_client(), KEY)).status_code == 200
    assert ask(key_client(OTHER), signed(claims_for(key_client(OTHER)), KEY)).status_code == 401


@pytest.mark.spec("RFC 7523", "3")
def test_an_assertion_is_accepted_once(client: Any) -> None:
    jwt = assertion(client)
    assert ask(client, jwt).status_code == 200
    response = ask(client, jwt)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert ask(client, assertion(client)).status_code == 200


def test_the_same_jti_signed_anew_is_the_same(client: Any) -> None:
    assert ask(client, assertion(client, jti="one")).status_code == 200
    assert ask(client, assertion(client, jti="one", exp=timedelta(seconds=90))).status_code == 401
    assert ask(client, assertion(client, jti="One")).status_code == 200


def test_a_jti_is_the_clients_own() -> None:
    for client in (key_client(), key_client()):
        assert ask(client, assertion(client, jti="one")).status_code == 200


def test_a_failed_attempt_does_not_burn_it(client: Any) -> None:
    assert ask(client, assertion(client, jti="one", exp=timedelta(seconds=-1))).status_code == 401
    Client.objects.update(is_active=False)
    jwt = assertion(client, jti="one")
    assert ask(client, jwt).status_code == 401
    Client.objects.update(is_active=True)
    assert ask(client, jwt).status_code == 200


def test_neither_the_assertion_nor_its_jti_is_stored(client: Any) -> None:
    assert ask(client, assertion(client, jti="a-jti")).status_code == 200
    (used,) = UsedAssertion.objects.values()
    assert "a-jti" not in str(used)
    assert timezone.now() < used["expires_at"] < timezone.now() + timedelta(seconds=61)


@pytest.mark.spec("RFC 7591", "2")
def test_only_the_registered_method_is_accepted() -> None:
    mine = secret_client(metadata__token_endpoint_auth_method="client_secret_basic")
    for jwt in (assertion(mine), under_secret(claims_for(mine), mine.secret)):
        assert ask(mine, jwt).status_code == 401
    client = key_client(secret="s" * 43)
    assert ask(client, under_secret(claims_for(client), client.secret)).status_code == 401
    assert Flow(client, Browser()).token(grant_type="client_credentials").status_code == 401


@pytest.mark.spec("RFC 6749", "2.3")
def test_two_methods_at_once_are_refused(client: Any) -> None:
    jwt = assertion(client)
    basic = {"Authorization": format_basic(client.client_id, "x")}
    body = {"client_id": client.client_id, "client_secret": "x"}
    for headers, more in ((basic, {}), ({}, body)):
        response = post(TOKEN, headers, grant_type="client_credentials", **proof(jwt), **more)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert ask(client, jwt).status_code == 200


@pytest.mark.spec("RFC 7521", "4.2")
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "URN:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
)
def test_the_type_of_assertion_is_compared_exactly(client: Any, kind: str | None) -> None:
    for more in ({}, {"client_id": client.client_id}):
        response = ask(client, assertion(client), client_assertion_type=kind, **more)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_who_presents_an_assertion_is_not_taken_for_a_public_client(client_app: Any) -> None:
    client = key_client(metadata__token_endpoint_auth_method="none", public=True)
    for jwt in (assertion(client), "junk"):
        assert ask(client, jwt, client_id=client.client_id).status_code == 401


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type"])
def test_a_repeated_parameter_is_refused(client: Any, name: str) -> None:
    params = proof(assertion(client))
    response = post(TOKEN, grant_type="client_credentials", **params | {name: [params[name]] * 2})
    assert response.json()["error"] == "invalid_request"


@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
def test_the_registered_algorithm_is_the_only_one() -> None:
    client = key_client(RSA, PSS, metadata__token_endpoint_auth_signing_alg="PS256")
    assert ask(client, assertion(client, PSS)).status_code == 200
    assert ask(client, assertion(client, RSA)).status_code == 401


@pytest.mark.requirement(34)
@pytest.mark.parametrize(
    "audience", [ISSUER, TOKEN_URL, [ISSUER], [TOKEN_URL, "https://other.example"], ["https://other.example", ISSUER]]
)
def test_relying_parties_of_an_older_time_name_the_endpoint(legacy: None, client: Any, audience: Any) -> None:
    assert ask(client, assertion(client, aud=audience)).status_code == 200


@pytest.mark.parametrize("audience", [[], ["https://other.example"], TOKEN_URL + "/", [7], None, ISSUER + REVOKE])
def test_but_another_audience_is_refused_there_too(legacy: None, client: Any, audience: Any) -> None:
    assert ask(client, assertion(client, aud=audience)).status_code == 401


@pytest.mark.requirement(34)
def test_the_audience_is_judged_by_the_clients_own_policy(legacy: None) -> None:
    tight = key_client(profile="oauth2_1")
    assert ask(tight, assertion(tight, aud=TOKEN_URL)).status_code == 401
    assert ask(tight, assertion(tight)).status_code == 200


@pytest.mark.parametrize(
    ("path", "audience"), [(REVOKE, ISSUER + REVOKE), (INTROSPECT, TOKEN_URL), (INTROSPECT, ISSUER)]
)
def test_other_endpoints_authenticate_alike(legacy: None, client: Any, path: str, audience: str) -> None:
    assert post(path, token="x", **proof(assertion(client, aud=audience))).status_code == 200


@pytest.mark.spec("RFC 9700", "4.16")
def test_the_host_header_is_no_audience(legacy: None, client: Any) -> None:
    jwt = assertion(client, aud="https://evil.example/oauth/token")
    headers = {"Host": "evil.example"}
    assert post(TOKEN, headers, grant_type="client_credentials", **proof(jwt)).status_code == 401


def test_a_code_flow_ends_with_an_assertion(browser: Browser) -> None:
    grant_types = ["authorization_code", "refresh_token"]
    flow = Flow(key_client(metadata__grant_types=grant_types), browser)
    answer = flow.exchange(flow.code(), authorization=None, **proof(assertion(flow.client)))
    assert answer.status_code == 200
    refreshed = flow.refresh(answer.json()["refresh_token"], authorization=None, **proof(assertion(flow.client)))
    assert refreshed.status_code == 200


def test_both_secrets_work_while_they_overlap() -> None:
    client = secret_client()
    new = new_secret(client, default_issuer(), timezone.now())
    for secret in (client.secret, new):
        assert ask(client, under_secret(claims_for(client), secret)).status_code == 200
    row = Client.objects.get(pk=client.pk)
    row.previous_secret_expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    assert ask(client, under_secret(claims_for(client), client.secret)).status_code == 401
    assert ask(client, under_secret(claims_for(client), new)).status_code == 200


def test_a_secret_under_a_former_key_of_the_deployment_is_still_read(settings: Any) -> None:
    client = secret_client()
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 8
    assert ask(client, assertion(client)).status_code == 401
    settings.SECRET_KEY_FALLBACKS = [before]
    assert ask(client, assertion(client)).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt"])
def test_it_is_advertised(method: str) -> None:
    offered = Browser().get("/.well-known/oauth-authorization-server").json()
    for endpoint in ("token", "revocation", "introspection"):
        assert method in offered[f"{endpoint}_endpoint_auth_methods_supported"]
        algs = offered[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert set(algs) == {"ES256", "RS256", "PS256", "EdDSA", "Ed25519", "HS256"}


def test_the_refusal_is_explained_in_the_log_alone(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    jwt = assertion(client, aud="https://other.example")
    assert ask(client, jwt).json()["error_description"] == "Client authentication failed."
    assert "aud is not this server" in caplog.text
    assert jwt not in caplog.text and jwt.rpartition(".")[2] not in caplog.text


def test_who_fails_too_often_is_told_to_wait_and_who_proves_it_never_is(client: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"client_authentication": "3/m"}}
    answers = [ask(client, assertion(client, exp=timedelta(seconds=-1))).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    assert ask(client, assertion(client)).status_code == 200


def test_a_client_without_keys_proves_nothing() -> None:
    for nothing in ({"metadata__jwks": None}, {"metadata__jwks": {"keys": []}}, {"metadata__jwks": {"keys": [{}]}}):
        client = key_client(**nothing)
        assert ask(client, assertion(client)).status_code == 401


def test_one_bad_key_among_good_ones_is_passed_over() -> None:
    client = key_client(metadata__jwks={"keys": [{"kty": "EC", "crv": "P-256", "x": "?", "y": 7}, *jwks(KEY)["keys"]]})
    assert ask(client, assertion(client)).status_code == 200
