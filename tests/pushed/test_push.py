"""The endpoint at which clients push their requests (RFC 9126 sections 2 and 3)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage import pushed_requests
from tests.assertions import KEY, assertion, jwks, key_client, proof, secret_client
from tests.factories import ClientFactory
from tests.flow import form, told
from tests.pushed.conftest import PAR, Pushing

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "2.2")
def test_a_request_that_is_good_gets_a_reference(pushing: Pushing) -> None:
    response = pushing.push()
    assert response.status_code == 201
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    answer = response.json()
    assert set(answer) == {"request_uri", "expires_in"}
    assert answer["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert answer["expires_in"] == 90


@pytest.mark.requirement(33)
@pytest.mark.spec("RFC 9126", "2.2", "7.1")
def test_references_cannot_be_guessed_and_only_their_digests_are_stored(pushing: Pushing) -> None:
    references = {pushing.reference() for _ in range(3)}
    assert len(references) == 3
    assert all(len(one.rpartition("oas_pr_")[2]) >= 43 for one in references)
    stored = {value for row in PushedRequest.objects.all() for value in map(str, vars(row).values())}
    assert references.isdisjoint(stored)


@pytest.mark.spec("RFC 9126", "2.3")
@pytest.mark.requirement(50)
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_other_methods_are_not_allowed(method: str, db: None) -> None:
    response = getattr(Browser(), method)(PAR)
    assert response.status_code == 405
    assert "POST" in response["Allow"]


@pytest.mark.spec("RFC 9126", "2.3")
def test_what_is_too_large_is_told_so(pushing: Pushing, settings: Any) -> None:
    for length in (70_000, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1):
        response = pushing.push(state="x" * length)
        assert response.status_code == 413
        assert response.json()["error"] == "invalid_request"


@pytest.mark.spec("RFC 9126", "2.3")
def test_a_request_that_could_not_wait_for_a_person_is_refused(pushing: Pushing) -> None:
    response = pushing.push(state="x" * 20_000)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 9126", "2.3")
def test_one_address_pushes_no_more_for_a_public_client_than_the_limit(public: Pushing, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"pushed_requests": "2/m"}}
    assert [public.push().status_code for _ in range(3)] == [201, 201, 429]
    refused = public.push()
    assert refused.json()["error"]
    assert int(refused["Retry-After"]) > 0


def test_a_client_that_proves_who_it_is_is_not_held_back(pushing: Pushing, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"pushed_requests": "1/m"}}
    assert [pushing.push().status_code for _ in range(3)] == [201, 201, 201]


@pytest.mark.spec("RFC 9126", "2.1")
@pytest.mark.requirement(50)
def test_a_reference_cannot_be_pushed(pushing: Pushing) -> None:
    for value in (pushing.reference(), "https://client.example/request", "x"):
        assert told(pushing.push(request_uri=value)) == {
            "error": "invalid_request",
            "error_description": "The parameter request_uri cannot be pushed (RFC 9126 section 2.1).",
        }


@pytest.mark.spec("RFC 9126", "2", "2.1")
@pytest.mark.parametrize("wrong", ["", "Basic x", "Bearer x"])
def test_a_client_that_does_not_authenticate_is_refused(pushing: Pushing, wrong: str) -> None:
    response = pushing.push(authorization=wrong or None)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert not PushedRequest.objects.exists()


@pytest.mark.spec("RFC 9126", "2")
def test_a_wrong_secret_is_refused(pushing: Pushing) -> None:
    response = pushing.push(authorization=format_basic(pushing.client.client_id, "wrong"))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 9126", "2")
def test_a_client_authenticates_as_at_the_token_endpoint(browser: Browser) -> None:
    post = Pushing(ClientFactory(metadata__token_endpoint_auth_method="client_secret_post"), browser)
    assert post.push(authorization=None, client_secret=post.client.secret).status_code == 201
    for client in (
        key_client(metadata__grant_types=["authorization_code"]),
        secret_client(metadata__grant_types=["authorization_code"]),
    ):
        flow = Pushing(client, browser)
        assert flow.push(authorization=None, **proof(assertion(client))).status_code == 201


@pytest.mark.spec("RFC 9126", "2")
def test_a_public_client_says_who_it_is(public: Pushing) -> None:
    assert public.push().status_code == 201


@pytest.mark.spec("RFC 9126", "2.1")
def test_the_client_of_the_request_is_the_one_that_authenticates(pushing: Pushing) -> None:
    assert pushing.push(client_id=ClientFactory().client_id).json()["error"] == "invalid_request"
    assert pushing.push(client_id=None).status_code == 201


@pytest.mark.requirement(55)
@pytest.mark.spec("RFC 9126", "2")
@pytest.mark.parametrize("profile", ["oauth2_1", "openid_connect"])
def test_an_assertion_names_the_issuer_or_where_the_policy_allows_it_an_endpoint(
    browser: Browser, settings: Any, profile: str
) -> None:
    """RFC 9126 has the server accept all three; draft-ietf-oauth-rfc7523bis and FAPI 2.0 the issuer alone, as the default policy does."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": profile}
    client = key_client(metadata__grant_types=["authorization_code"])
    flow, issuer = Pushing(client, browser), default_issuer()
    assert flow.push(authorization=None, **proof(assertion(client))).status_code == 201
    for audience in (issuer.url("token"), issuer.url("pushed"), [issuer.settings.issuer]):
        response = flow.push(authorization=None, **proof(assertion(client, aud=audience)))
        assert response.status_code == (401 if profile == "oauth2_1" else 201)


@pytest.mark.spec("RFC 9126", "2.4", "7.2")
@pytest.mark.parametrize(
    "uri", ["https://evil.example/", "https://client.example/callback/", "javascript:alert(1)", "x"]
)
def test_a_redirect_uri_has_to_be_registered_whoever_pushes_it(pushing: Pushing, uri: str) -> None:
    """Section 2.4 would let confidential clients push others; exact matches are what RFC 9700 section 2.1 asks for."""
    refused = pushing.push(redirect_uri=uri)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "redirect_uri" in refused.json()["error_description"]


@pytest.mark.spec("RFC 9126", "2.1", "2.3")
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": "https://client.example/callback?x=1"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"response_mode": "carrier_pigeon"}, "invalid_request"),
        ({"state": ["a", "b"]}, "invalid_request"),
        ({"redirect_uri": ["https://client.example/callback", "https://client.example/callback"]}, "invalid_request"),
        ({"request": "no.jwt.here"}, "invalid_request_object"),
    ],
)
def test_every_check_is_made_when_it_is_pushed(pushing: Pushing, params: dict[str, Any], error: str) -> None:
    response = pushing.push(**params)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response["Content-Type"] == "application/json"
    assert not PushedRequest.objects.exists()


@pytest.mark.spec("RFC 9126", "2.1")
def test_a_parameter_that_nothing_reads_is_ignored(pushing: Pushing) -> None:
    pushing.reference(colour="crimson")
    assert "crimson" not in str(PushedRequest.objects.get().payload)


@pytest.mark.spec("RFC 9126", "2")
def test_credentials_are_not_kept(browser: Browser) -> None:
    client = key_client(metadata__grant_types=["authorization_code"], metadata__jwks=jwks(KEY))
    Pushing(client, browser).push(authorization=None, **proof(assertion(client)))
    assert "assertion" not in str(PushedRequest.objects.get().payload)


@pytest.mark.parametrize(
    "body",
    [
        b"client_id=%00",
        b"client_id=%ff",
        b"client_id=%zz",
        b"client_id=a&client_id=b",
        b"\xff",
        b"",
        b"response_type=code",
    ],
)
def test_what_no_client_sends_is_refused(body: bytes, db: None) -> None:
    response = Browser().post(PAR, body, content_type=FORM)
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_request", "invalid_client"}


def test_json_is_no_form(db: None) -> None:
    assert Browser().post(PAR, "{}", content_type="application/json").json()["error"] == "invalid_request"


@pytest.mark.spec("RFC 9126", "2")
def test_parameters_of_the_query_are_not_read(pushing: Pushing) -> None:
    body = form({"client_id": pushing.client.client_id, "client_secret": pushing.client.secret})
    assert Browser().post(f"{PAR}?response_type=code", body, content_type=FORM).status_code in {400, 401}


def test_scripts_of_other_origins_may_push(public: Pushing) -> None:
    assert public.push(headers={"Origin": "https://spa.example"})["Access-Control-Allow-Origin"] == "*"
    asked = {"Origin": "https://spa.example", "Access-Control-Request-Method": "POST"}
    assert public.server.options(PAR, headers=asked)["Access-Control-Allow-Methods"] == "POST"


def test_a_disabled_client_pushes_nothing(pushing: Pushing) -> None:
    pushing.client.is_active = False
    pushing.client.save()
    assert pushing.push().status_code == 401


def test_the_number_of_a_client_is_bounded_and_its_oldest_go_first(pushing: Pushing, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pushed_requests": {"most_of_one_client": 2}}
    other = Pushing(ClientFactory(), pushing.browser).reference()
    first, *rest = (pushing.reference() for _ in range(3))
    assert pushed_requests.find_pushed(first) is None
    assert all(pushed_requests.find_pushed(one) for one in (*rest, other))


def test_a_reference_is_not_logged(pushing: Pushing, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "django_oauth_server"):
        reference = pushing.reference()
        pushing.browser.get("/oauth/authorize", {"client_id": "other", "request_uri": reference})
        pushing.push(request_uri=reference)
        pushing.push(state=["a", reference])
    assert reference not in caplog.text


@pytest.mark.spec("RFC 9126", "5")
def test_the_endpoint_is_advertised(client: Browser) -> None:
    document = client.get("/.well-known/oauth-authorization-server").json()
    assert document["pushed_authorization_request_endpoint"] == "https://as.example/oauth/par"
    assert document["require_pushed_authorization_requests"] is False
