"""The JWK Set at its URL (RFC 7517 section 5)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve
from joserfc import jwt

from django_oauth_server.endpoints.jwks import JWKSEndpoint, jwks
from django_oauth_server.keys.rotation import rotate
from django_oauth_server.keys.signing import read_signed, signing_key
from django_oauth_server.protocol.jose import KeySet, SigningKeyPair, sign, verify
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource.verifiers.signed import SignedTokens
from tests.keys.conftest import Clock, Process

pytestmark = pytest.mark.django_db
URL = "/oauth/jwks"


def get(**headers: str) -> HttpResponse:
    return Client(enforce_csrf_checks=True).get(URL, headers=headers)  # type: ignore[return-value]


def test_it_verifies_what_the_issuer_signs() -> None:
    token = sign({"sub": "somebody"}, signing_key(default_issuer()), typ="at+jwt")

    assert verify(token, KeySet.parse(get().json()), typ="at+jwt") == {"sub": "somebody"}  # type: ignore[attr-defined]


def test_whoever_reads_it_makes_this_server_verify_no_signature_again(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]]
) -> None:
    said = {"iss": "a", "aud": "b", "sub": "c", "client_id": "d", "iat": 1, "exp": 2, "jti": "e"}
    with django_capture_on_commit_callbacks(execute=True):
        token = sign(said, signing_key(default_issuer()), typ="at+jwt")
    tokens = SignedTokens()
    decoded: list[object] = []
    decode = jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda *args, **kwargs: decoded.append(args) or decode(*args, **kwargs))

    for _ in range(3):
        read_signed(default_issuer(), lambda keys: tokens.read(token, keys))
        get()

    assert len(decoded) == 1


@pytest.mark.requirement(9)
@pytest.mark.spec("RFC 7517", "4")
def test_each_key_says_what_it_is_for_and_nothing_private(clock: Clock) -> None:
    rotate(default_issuer(), now=clock.now)
    for alg in ("ES256", "PS256", "EdDSA"):
        rotate(default_issuer(), now=clock.now, alg=alg)

    keys = get().json()["keys"]  # type: ignore[attr-defined]

    assert sorted(key["alg"] for key in keys) == ["ES256", "ES256", "EdDSA", "PS256", "RS256"]
    assert {frozenset(key) for key in keys} == {
        frozenset({"kty", "crv", "x", "y", "kid", "alg", "use"}),
        frozenset({"kty", "n", "e", "kid", "alg", "use"}),
        frozenset({"kty", "crv", "x", "kid", "alg", "use"}),
    }
    assert {key["use"] for key in keys} == {"sig"}
    assert len({key["kid"] for key in keys}) == len(keys)
    assert set(KeySet.parse({"keys": keys}).keys) == {(key["kid"], key["alg"]) for key in keys}, "each can be used"
    assert {len(urlsafe_b64decode(key["n"] + "==")) for key in keys if key["kty"] == "RSA"} == {2048 // 8}


def test_any_origin_may_read_it_and_caches_may_keep_it_for_a_while(process: Process) -> None:
    response = get(origin="https://app.example")

    assert response["Content-Type"] == "application/json"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"] == "public, max-age=1800"
    assert not response.cookies

    brief = jwks(RequestFactory().get(URL), issuer=process(key_publication_lead=timedelta(seconds=10)))
    assert brief["Cache-Control"] == "public, max-age=2"


def test_HEAD_is_answered_without_a_body() -> None:
    response = Client().head(URL)

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(method: str) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, URL)

    assert response.status_code == 405
    assert {"GET", "HEAD"} <= set(response["Allow"].split(", "))


def test_a_key_that_another_process_let_sign_at_once_is_published_within_seconds(
    process: Process, clock: Clock
) -> None:
    get()
    new = rotate(process(), now=clock.now, at_once=True).key.kid
    clock.advance(timedelta(seconds=5))

    assert new in {key["kid"] for key in get().json()["keys"]}  # type: ignore[attr-defined]


def test_it_is_where_the_metadata_says() -> None:
    issuer = default_issuer()

    assert JWKSEndpoint().metadata(issuer.url, issuer.settings) == {"jwks_uri": "https://as.example/oauth/jwks"}
    assert resolve(URL).view_name == "oauth_server:jwks"


def test_the_system_check_names_a_key_file_that_cannot_be_used(process: Process, tmp_path: Path) -> None:
    good = tmp_path / "good.pem"
    good.write_bytes(SigningKeyPair.generate("ES256").key.as_pem(private=True))
    settings = process(signing_key_files=(str(good), str(tmp_path / "absent.pem"))).settings

    (error,) = JWKSEndpoint().checks(settings)
    assert "absent.pem" in error.msg
    assert not [*JWKSEndpoint().checks(process(signing_key_files=(str(good),)).settings)]
