"""A signed request object in what is pushed (RFC 9126 section 3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.protocol.pkce import challenge_of
from tests.assertions import ISSUER, claims_for, jwks, signed
from tests.factories import ClientFactory
from tests.flow import VERIFIER
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db

NOTHING: dict[str, Any] = dict.fromkeys(
    ("response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
)


@pytest.fixture
def pushing(browser: Browser) -> Pushing:
    return Pushing(ClientFactory(metadata__jwks=jwks(PAIR)), browser)


PAIR = SigningKeyPair.generate("ES256")


def request_object(client: Any, typ: str = "oauth-authz-req+jwt", **said: Any) -> str:
    """The whole request, signed by *client*. A claim set to None is left out."""
    claims = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": client.redirect_uris[0],
        "scope": "notes:read",
        "state": "signed",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "sub": None,
        "aud": ISSUER,
    }
    return signed(claims_for(client, **(claims | said)), PAIR, typ=typ)


@pytest.mark.spec("RFC 9126", "3")
@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT"])
def test_what_is_signed_is_what_counts(pushing: Pushing, typ: str) -> None:
    reference = pushing.reference(state="outside", scope="notes:write", request=request_object(pushing.client, typ))
    answer = pushing.done(reference)
    assert answer["state"] == "signed"
    assert pushing.exchange(answer["code"]).json()["scope"] == "notes:read"


@pytest.mark.spec("RFC 9126", "3")
@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT"])
def test_what_is_outside_completes_nothing(pushing: Pushing, typ: str) -> None:
    response = pushing.push(
        request=request_object(pushing.client, typ, code_challenge=None, code_challenge_method=None)
    )
    assert response.json()["error"] == "invalid_request"


@pytest.mark.spec("RFC 9126", "3")
def test_nothing_else_need_be_outside(pushing: Pushing) -> None:
    assert pushing.done(pushing.reference(**NOTHING, request=request_object(pushing.client)))["state"] == "signed"


@pytest.mark.spec("RFC 9126", "3")
def test_the_object_is_not_kept_and_its_own_time_does_not_matter_afterwards(pushing: Pushing) -> None:
    reference = pushing.reference(**NOTHING, request=request_object(pushing.client))
    assert "eyJ" not in str(PushedRequest.objects.get().payload)
    assert pushing.done(reference)["state"] == "signed"


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "3")
@pytest.mark.parametrize(
    "said",
    [
        {"client_id": "other"},
        {"iss": "other"},
        {"aud": "https://other.example"},
        {"exp": 1},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"request": "x"},
    ],
)
def test_what_the_object_must_not_say(pushing: Pushing, said: dict[str, Any]) -> None:
    response = pushing.push(**NOTHING, request=request_object(pushing.client, **said))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.spec("RFC 9126", "3")
def test_what_another_has_signed_is_refused(pushing: Pushing) -> None:
    foreign = signed(claims_for(pushing.client, sub=None), SigningKeyPair.generate("RS256"), typ="oauth-authz-req+jwt")
    assert pushing.push(**NOTHING, request=foreign).json()["error"] == "invalid_request_object"


@pytest.mark.spec("RFC 9126", "3")
def test_a_client_that_has_to_sign_pushes_nothing_unsigned(pushing: Pushing) -> None:
    pushing.client.metadata["require_signed_request_object"] = True
    pushing.client.save()
    assert pushing.push().json()["error"] == "invalid_request"
    assert pushing.done(pushing.reference(**NOTHING, request=request_object(pushing.client)))["state"] == "signed"


@pytest.mark.spec("RFC 9126", "2.1")
def test_where_objects_are_not_offered_a_client_is_told(pushing: Pushing, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}
    assert pushing.push(request=request_object(pushing.client)).json()["error"] == "request_not_supported"
