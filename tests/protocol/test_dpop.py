"""Proofs of possession (RFC 9449 sections 4.2, 4.3 and 8), and everything that is refused as one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from django_oauth_server.protocol import dpop, jose
from django_oauth_server.protocol.dpop import InvalidProof, Nonces, Proof, verify_proof
from django_oauth_server.protocol.jose import SigningKeyPair, embedded

URL = "https://as.example/oauth/token"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
PAIR = SigningKeyPair.generate("ES256")
EVERY = jws.JWSRegistry(
    algorithms=["none", "HS256", "ES256", "RS256", "ES384", "EdDSA", "Ed25519"], strict_check_header=False
)


def claims(**said: Any) -> dict[str, Any]:
    usual = {"jti": "an id", "htm": "POST", "htu": URL, "iat": int(NOW.timestamp())}
    return {name: value for name, value in (usual | said).items() if value is not None}


def proof(pair: SigningKeyPair = PAIR, **said: Any) -> str:
    return jose.sign_embedded(claims(**said), pair, typ="dpop+jwt")


def forged(header: dict[str, Any], payload: str | None = None, key: Any = PAIR.key) -> str:
    """A proof as a stranger writes it; a member of the header set to None is left out."""
    said = {"typ": "dpop+jwt", "alg": "ES256", "jwk": PAIR.key.as_dict(private=False)} | header
    said = {name: value for name, value in said.items() if value is not None}
    signed = f"{segment(json.dumps(said))}.{segment(payload or json.dumps(claims()))}"
    return f"{signed}.{segment(EVERY.get_alg(said['alg']).sign(signed.encode(), key))}"


def segment(raw: str | bytes) -> str:
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else raw.encode()).rstrip(b"=").decode()


def verify(header: str, **more: Any) -> Proof:
    return verify_proof(header, **({"method": "POST", "url": URL, "now": NOW, "window": WINDOW} | more))


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_a_good_proof_says_whose_key_it_is(alg):
    pair = SigningKeyPair.generate(alg)
    assert verify(proof(pair)) == Proof(pair.key.thumbprint(), "an id", NOW.timestamp())


@pytest.mark.spec("RFC 7638", "3.1")
def test_the_thumbprint_is_that_of_the_specification():
    key = {"kty": "EC", "crv": "P-256"} | {
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }
    assert ECKey.import_key(key).thumbprint() == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    header = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
        "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj"
        "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg"
        "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    then = datetime.fromtimestamp(1562262616, UTC)
    said = verify(header, url="https://server.example.com/token", now=then)
    assert said.thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.spec("RFC 9449", "4.2")
def test_further_members_are_tolerated():
    verify(forged({"kid": "mine", "x": {"y": [1]}}, json.dumps(claims(nbf=1, exp=2, ath="of another use", more=[{}]))))
    verify(forged({"jwk": PAIR.key.as_dict(private=False) | {"kid": "k", "key_ops": ["verify"], "ext": True}}))


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("exported", ["EdDSA", "Ed25519"])
def test_a_key_may_name_its_algorithm_as_browsers_do(alg, exported):
    pair = SigningKeyPair.generate("EdDSA")
    verify(forged({"alg": alg, "jwk": pair.key.as_dict(private=False) | {"alg": exported}}, key=pair.key))


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "header",
    [
        "",
        "junk",
        "a.b.c",
        "\0.\0.\0",
        f"{proof()}, {proof()}",
        proof() + ".",
        proof()[:-4],
        proof().rpartition(".")[0] + ".",
        "." + proof().partition(".")[2],
        proof() + "=" * 9000,
        proof(jti="x" * 9000),
        forged({"x": "y" * 5000}),
        forged({"typ": None}),
        forged({"typ": "JWT"}),
        forged({"typ": "at+jwt"}),
        forged({"typ": 1}),
        forged({"alg": "none"}, key=OctKey.generate_key()),
        forged({"alg": "HS256", "jwk": {"kty": "oct", "k": "c2VjcmV0"}}, key=OctKey.generate_key()),
        forged({"alg": "HS256"}, key=OctKey.import_key(b"s" * 32)),
        forged({"alg": "ES384"}, key=ECKey.generate_key("P-384")),
        forged({"jwk": PAIR.key.as_dict(private=False) | {"alg": "Ed25519"}}),
        forged({"jwk": None}),
        forged({"jwk": None, "kid": "known elsewhere"}),
        forged({"jwk": "text"}),
        forged({"jwk": []}),
        forged({"jwk": {}}),
        forged({"jwk": {"kty": []}}),
        forged({"jwk": PAIR.key.as_dict(private=True)}),
        forged({"jwk": PAIR.key.as_dict(private=False) | {"d": ""}}),
        forged({"jwk": PAIR.key.as_dict(private=False) | {"x": "AAAA"}}),
        forged({"jwk": PAIR.key.as_dict(private=False) | {"alg": "RS256"}}),
        forged({"jwk": SigningKeyPair.generate("ES256").public_jwk()}),
        forged({"crit": ["b64"], "b64": False}),
        forged({"crit": []}),
        forged({}, "[]"),
        forged({}, "null"),
        forged({}, "not JSON"),
        forged({}, "[" * 3000),
        forged({}, json.dumps(claims()).encode("utf-16").decode("latin-1")),
    ],
    ids=lambda _: "header",  # the proofs differ from process to process, and the names of tests must not
)
def test_what_is_no_proof_is_refused(header):
    with pytest.raises(InvalidProof) as refused:
        verify(header)
    assert "eyJ" not in str(refused.value)


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "said",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": ["an id"]},
        {"jti": "x" * 257},
        {"htm": None},
        {"htm": "GET"},
        {"htm": "post"},
        {"htu": None},
        {"htu": 1},
        {"htu": ""},
        {"htu": "https://as.example/oauth/revoke"},
        {"htu": "https://elsewhere.example/oauth/token"},
        {"htu": "http://as.example/oauth/token"},
        {"htu": "https://as.example:8443/oauth/token"},
        {"htu": "https://as.example:port/oauth/token"},
        {"htu": "https://you@as.example/oauth/token"},
        {"htu": "https://as.example/oauth/token/"},
        {"htu": "https://as.example/oauth%252Ftoken"},
        {"htu": "https://as.example/OAuth/token"},
        {"htu": "https://as.example/oauth/token\n"},
        {"htu": "/oauth/token"},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": [1]},
        {"iat": 0},
        {"iat": 10**400},
        {"iat": float("nan")},
        {"iat": float("inf")},
        {"iat": NOW.timestamp() - 3600},
        {"iat": NOW.timestamp() - 300},
        {"iat": NOW.timestamp() + 3600},
        {"iat": NOW.timestamp() + 61},
        {"nonce": 1},
        {"nonce": "x" * 257},
    ],
)
def test_a_proof_of_something_else_is_refused(said):
    with pytest.raises(InvalidProof):
        verify(proof(**said))


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://AS.Example/oauth/token",
        "https://as.example:443/oauth/token",
        "https://as.example/oauth/token?query=1",
        "https://as.example/oauth/token#fragment",
        "https://as.example/oauth/./x/../token",
        "https://as.example/o%61uth/%74oken",
        "https://as.example/oauth%2Ftoken",
    ],
)
def test_htu_is_compared_after_normalization_and_without_query_and_fragment(htu):
    verify(proof(htu=htu))


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    ("htu", "url"),
    [
        ("https://api.example", "https://api.example/"),
        ("https://api.example/caf%c3%a9", "https://api.example/caf%C3%A9"),
        ("https://api.example/café", "https://api.example/caf%C3%A9"),
        ("https://[::1]:443/a", "https://[::1]/a"),
        ("https://api.example/a/..", "https://api.example/"),
    ],
)
def test_other_addresses_are_normalized_too(htu, url):
    verify(proof(htu=htu), url=url)


@pytest.mark.spec("RFC 9449", "4.3")
def test_a_thing_may_be_known_by_several_addresses():
    known = ["https://gateway.example/api/notes", "https://api.example/notes"]
    verify(proof(htu="https://api.example/notes"), url=known)
    for refused in ([], ["https://gateway.example/api/notes"]):
        with pytest.raises(InvalidProof):
            verify(proof(htu="https://api.example/notes"), url=refused)


@pytest.mark.spec("RFC 9449", "11.1")
@pytest.mark.parametrize("seconds", [-299, -10, 0, 10, 60])
def test_clocks_may_differ_a_little(seconds):
    verify(proof(iat=NOW.timestamp() + seconds))


@pytest.mark.spec("RFC 9449", "11.6")
def test_an_algorithm_that_is_not_permitted_is_refused():
    with pytest.raises(InvalidProof):
        verify(proof(), algs=["PS256"])


@pytest.mark.spec("RFC 9449", "11.6")
def test_a_header_that_was_seen_opens_nothing_more():
    good = proof()
    verify(good)
    header, payload, signature = good.split(".")
    other = proof(SigningKeyPair.generate("ES256")).split(".")
    for forgery in (f"{header}.{other[1]}.{other[2]}", f"{header}.{payload}.{other[2]}"):
        with pytest.raises(InvalidProof):
            verify(forgery)
    with pytest.raises(InvalidProof):
        verify(good, algs=["PS256"])


def test_headers_that_came_with_no_good_signature_are_not_kept():
    stranger = SigningKeyPair.load(ECKey.generate_key("P-256").as_pem(private=True))  # of nobody else's test
    header, payload, _ = proof(stranger).split(".")
    with pytest.raises(InvalidProof):
        verify(f"{header}.{payload}.{proof().rpartition('.')[2]}")
    assert embedded._seen.get(header) is None


@pytest.mark.spec("RFC 7518", "3.3")
def test_a_short_rsa_key_is_refused():
    key = RSAKey.generate_key(1024)
    with pytest.raises(InvalidProof):
        verify(forged({"alg": "RS256", "jwk": key.as_dict(private=False)}, key=key))


@pytest.mark.spec("RFC 9449", "4.3")
def test_beside_an_access_token_the_proof_is_for_that_token():
    assert (
        dpop.token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    )
    verify(proof(ath=dpop.token_hash("a token")), ath=dpop.token_hash("a token"))
    for said in ({}, {"ath": dpop.token_hash("another")}, {"ath": ""}, {"ath": 1}):
        with pytest.raises(InvalidProof):
            verify(proof(**said), ath=dpop.token_hash("a token"))


@given(st.text())
def test_nothing_but_a_refusal_comes_of_text(header):
    with pytest.raises(InvalidProof):
        verify(header)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_nothing_but_a_refusal_comes_of_bytes(header, payload):
    with pytest.raises(InvalidProof):
        verify(".".join(map(segment, (header, payload, b"signature"))))


KEY, FORMER = b"a key" * 8, b"former" * 8
NONCES = Nonces((KEY,), timedelta(minutes=10))


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize(("minutes", "good"), [(0, True), (4, True), (10, False), (60, False), (-10, False)])
def test_a_nonce_is_good_for_a_while(minutes, good):
    assert NONCES.knows(NONCES.current(NOW), NOW + timedelta(minutes=minutes)) is good


@pytest.mark.spec("RFC 9449", "8")
def test_a_nonce_is_known_wherever_the_key_is():
    elsewhere = Nonces((KEY, FORMER), timedelta(minutes=10))
    assert elsewhere.knows(NONCES.current(NOW), NOW)
    assert elsewhere.knows(Nonces((FORMER,), timedelta(minutes=10)).current(NOW), NOW)
    assert not NONCES.knows(Nonces((FORMER,), timedelta(minutes=10)).current(NOW), NOW)


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize("nonce", ["", "junk", "é", "\ud800", "x" * 256])
def test_what_is_no_nonce_is_not_known(nonce):
    assert not NONCES.knows(nonce, NOW)


@pytest.mark.spec("RFC 9449", "8.1")
def test_a_nonce_has_the_characters_that_a_nonce_may_have():
    assert NONCES.current(NOW).isascii()
    assert NONCES.current(NOW).replace("-", "").replace("_", "").isalnum()
