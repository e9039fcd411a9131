"""Proofs of possession (RFC 9449) that somebody made up: refused as the standard has it, never a 500, and nothing is noted."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey, RSAKey

from django_oauth_server.models.used_assertion import UsedAssertion
from tests.dpop.prover import Prover
from tests.flow import Flow
from tests.hostile.junk import BOUNDED
from tests.hostile.test_assertions import JSON, encoded

pytestmark = pytest.mark.django_db

CLAIMS = ["jti", "htm", "htu", "iat", "nonce", "ath", "exp", "nbf", "iss"]
HEADER = ["typ", "alg", "jwk", "kid", "crit", "b64", "zip", "x5c", "jku", "x5u"]
MEMBERS = ["kty", "crv", "x", "y", "n", "e", "use", "key_ops", "alg", "kid", "d", "k"]
PROVER = Prover()
PUBLIC = PROVER.pair.key.as_dict(private=False)


def ask(caller: Flow, proof: str) -> Any:
    answer = caller.token(grant_type="client_credentials", scope="notes:read", headers={"DPoP": proof})
    if answer.status_code != 200:
        assert answer.status_code == 400, answer.content
        assert answer.json()["error"] == "invalid_dpop_proof"
        assert not UsedAssertion.objects.exists()
    return answer


@given(header=JSON, payload=JSON, signature=st.text("abcXYZ019-_", max_size=90))
@BOUNDED
def test_any_three_parts(caller: Flow, header: Any, payload: Any, signature: str) -> None:
    for head in (header, {"typ": "dpop+jwt", "alg": "ES256", "jwk": header}, {"typ": header, "alg": header}):
        assert ask(caller, f"{encoded(head)}.{encoded(payload)}.{signature}").status_code == 400


@given(place=st.integers(0), character=st.sampled_from("A-_z.= ,\x7f"))
@BOUNDED
def test_a_good_one_with_another_character(caller: Flow, place: int, character: str) -> None:
    proof = PROVER.proof()
    place %= len(proof)
    if proof[place] != character:
        changed = f"{proof[:place]}{character}{proof[place + 1 :]}"
        UsedAssertion.objects.all().delete()
        ask(caller, changed)


@given(name=st.sampled_from(CLAIMS), value=JSON)
@BOUNDED
def test_a_good_one_with_one_claim_of_any_kind(caller: Flow, name: str, value: Any) -> None:
    UsedAssertion.objects.all().delete()
    ask(caller, PROVER.proof(**{name: value}))


@given(name=st.sampled_from(MEMBERS), value=JSON, kty=st.sampled_from(["EC", "RSA", "OKP", "oct"]))
@BOUNDED
def test_a_key_with_one_member_of_any_kind(caller: Flow, name: str, value: Any, kty: str) -> None:
    for jwk in (PUBLIC | {name: value}, PUBLIC | {"kty": kty, name: value}):
        _, payload, signature = PROVER.proof().split(".")
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
        assert ask(caller, f"{encoded(head)}.{payload}.{signature}").status_code == 400


@given(name=st.sampled_from(HEADER), value=JSON)
@BOUNDED
def test_a_header_with_one_member_of_any_kind(caller: Flow, name: str, value: Any) -> None:
    _, payload, signature = PROVER.proof().split(".")
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": PUBLIC} | {name: value}
    assert ask(caller, f"{encoded(head)}.{payload}.{signature}").status_code == 400


@pytest.mark.parametrize("deep", [100, 2_000, 3_000])
def test_claims_in_claims(caller: Flow, deep: int) -> None:
    _, payload, signature = PROVER.proof().split(".")
    nested = "[" * deep + "]" * deep
    head = encoded({"typ": "dpop+jwt", "alg": "ES256", "jwk": PUBLIC})
    for proof in (f"{head}.{_text(nested)}.{signature}", f"{_text(nested)}.{payload}.{signature}"):
        assert ask(caller, proof).status_code == 400


def test_numbers_of_many_digits(caller: Flow) -> None:
    head, _, signature = PROVER.proof().split(".")
    number = '{"iat": ' + "9" * 5000 + "}"
    assert ask(caller, f"{head}.{_text(number)}.{signature}").status_code == 400


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "RSA", "n": "A" * 3000, "e": "AQAB"},
        {"kty": "RSA", "n": "_" * 400, "e": "_" * 400},
        {"kty": "RSA", "n": "", "e": ""},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-521", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "secp256k1", "x": PUBLIC["x"], "y": PUBLIC["y"]},
        {"kty": "OKP", "crv": "X25519", "x": OKPKey.generate_key("X25519").as_dict(private=False)["x"]},
        {"kty": "OKP", "crv": "Ed448", "x": OKPKey.generate_key("Ed448").as_dict(private=False)["x"]},
        RSAKey.generate_key(2048).as_dict(private=True),
    ],
    ids=lambda jwk: f"{jwk['kty']} {jwk.get('crv', len(jwk))}",
)
@pytest.mark.parametrize(
    "alg", ["ES256", "RS256", "PS256", "EdDSA", "Ed25519", "ES256K", "RS1", "none", "HS256", "", None, 1, []]
)
def test_keys_that_nobody_has(caller: Flow, jwk: Any, alg: Any) -> None:
    _, payload, signature = PROVER.proof().split(".")
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": jwk}
    assert ask(caller, f"{encoded(head)}.{payload}.{signature}").status_code == 400


def _text(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
