"""JWTs under a client's secret (RFC 7518 section 3.2), which no public key is ever taken for (RFC 8725 section 2.1)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from django_oauth_server.protocol.jose import (
    InvalidJWT,
    KeySet,
    SigningKeyPair,
    sign,
    sign_with_secret,
    verify,
    verify_with_secret,
)

CLAIMS = {"iss": "a client", "sub": "a client"}
SECRET = "s3cret-" * 5
GOOD = sign_with_secret(CLAIMS, SECRET, typ="JWT")
PAIR = SigningKeyPair.generate("RS256")


def signed(header: dict[str, object], secret: str = SECRET, payload: bytes = b"{}") -> str:
    registry = jws.JWSRegistry(algorithms=["HS256", "HS384"], strict_check_header=False)
    return jws.serialize_compact(header, payload, OctKey.import_key(secret.encode()), registry=registry)


def test_what_one_side_signs_the_other_verifies() -> None:
    assert verify_with_secret(GOOD, SECRET, typ="JWT") == CLAIMS


def test_a_secret_may_have_any_characters() -> None:
    odd = "ключ" * 8 + "+/&%: ü"
    assert verify_with_secret(sign_with_secret(CLAIMS, odd, typ="JWT"), odd, typ="JWT") == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        "",
        "junk",
        "..",
        GOOD[:-3],
        GOOD + ".a.b",
        sign_with_secret(CLAIMS, "another-" * 5, typ="JWT"),
        signed({"alg": "HS384", "typ": "JWT"}),
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.",
        signed({"alg": "HS256", "typ": "at+jwt"}),
        signed({"alg": "HS256", "typ": "JWT"}, payload=b"[]"),
        signed({"alg": "HS256", "typ": "JWT", "crit": ["cty"], "cty": "json"}),
        sign(CLAIMS, PAIR, typ="JWT"),
    ],
    ids=[
        "nothing",
        "a word",
        "no parts",
        "cut",
        "five parts",
        "another secret",
        "HS384",
        "none",
        "another type",
        "no object",
        "critical",
        "a public key's",
    ],
)
def test_refused(token: str) -> None:
    with pytest.raises(InvalidJWT):
        verify_with_secret(token, SECRET, typ="JWT")


@pytest.mark.spec("RFC 7518", "3.2")
@pytest.mark.parametrize("weak", ["", "short", "x" * 31])
def test_a_secret_that_is_too_short_is_no_secret(weak: str) -> None:
    for attempt in (
        lambda: sign_with_secret(CLAIMS, weak, typ="JWT"),
        lambda: verify_with_secret(GOOD, weak, typ="JWT"),
    ):
        with pytest.raises(ValueError, match=r"32 octets \(RFC 7518 section 3\.2\)"):
            attempt()


@pytest.mark.spec("RFC 8725", "2.1")
def test_a_public_key_is_no_secret() -> None:
    with pytest.raises(ValueError, match="public keys"):
        verify_with_secret(GOOD, PAIR.key.as_pem(private=False).decode(), typ="JWT")


@pytest.mark.spec("RFC 8725", "2.1")
def test_a_secret_is_no_public_key() -> None:
    secret = {**OctKey.import_key(SECRET.encode()).as_dict(), "kid": "secret"}
    for keys in (KeySet.parse({"keys": [secret]}), KeySet.of_client({"keys": [secret]})):
        with pytest.raises(InvalidJWT):
            verify(
                signed({"alg": "HS256", "typ": "JWT", "kid": "secret"}, payload=json.dumps(CLAIMS).encode()),
                keys,
                typ="JWT",
            )


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_raises_anything_else(token: str) -> None:
    with pytest.raises(InvalidJWT):
        verify_with_secret(token, SECRET, typ="JWT")
