"""Proofs at the resource server: RFC 9449, section by section, by every mechanism."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import caches
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_oauth_server.protocol.jose import ALGORITHMS, SigningKeyPair, sign
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.testing.proofs import DPoPKey
from tests.resource.bindings.seal import MECHANISMS
from tests.resource.dpop.conftest import API, Ask

ALGS = f'algs="{" ".join(ALGORITHMS)}"'
NOTES = f"{API}/function"
each_mechanism = pytest.mark.parametrize("path", MECHANISMS)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.spec("RFC 9449", "7.1")
@each_mechanism
def test_a_token_with_a_proof_of_its_key_opens(ask: Ask, key: DPoPKey, token: str, path: str) -> None:
    answer = ask(path, token, key.proof("GET", API + path, token))
    assert answer.status_code == 200
    if path != "/prefix/plain":
        assert answer.json() == {"scheme": "DPoP", "confirmation": {"jkt": key.thumbprint}}


@pytest.mark.spec("RFC 9449", "7.1")
@each_mechanism
def test_without_a_proof_it_does_not(ask: Ask, token: str, path: str) -> None:
    answer = ask(path, token)
    assert refusal(answer) == (401, "invalid_dpop_proof")
    challenge = answer["WWW-Authenticate"]
    assert challenge.startswith('DPoP realm="api", error="invalid_dpop_proof", error_description="')
    assert challenge.endswith(ALGS)
    assert "Bearer" not in challenge


@pytest.mark.spec("RFC 9449", "7.2")
@each_mechanism
def test_as_a_bearer_token_it_opens_nothing(ask: Ask, key: DPoPKey, token: str, path: str) -> None:
    proof = key.proof("GET", API + path, token)
    answer = ask(path, token, proof, scheme="Bearer")
    assert refusal(answer) == (401, "invalid_token")
    assert answer["WWW-Authenticate"].startswith('Bearer realm="api", error="invalid_token"')
    assert ', DPoP realm="api"' in answer["WWW-Authenticate"]
    assert ask(path, token, proof).status_code == 200, "the proof was used up"


@pytest.mark.spec("RFC 9449", "7.1")
@each_mechanism
def test_a_token_that_is_not_bound_is_no_dpop_token(ask: Ask, key: DPoPKey, issuer: FakeIssuer, path: str) -> None:
    bearer = issuer.token("notes:read")
    answer = ask(path, bearer, key.proof("GET", API + path, bearer))
    assert refusal(answer) == (401, "invalid_token")
    assert answer["WWW-Authenticate"].startswith('DPoP realm="api", error="invalid_token"')
    assert ask(path, bearer, scheme="Bearer").status_code == 200


@pytest.mark.spec("RFC 9449", "7.1")
@each_mechanism
def test_a_proof_of_another_key_is_refused(ask: Ask, token: str, path: str) -> None:
    answer = ask(path, token, DPoPKey().proof("GET", API + path, token))
    assert refusal(answer) == (401, "invalid_token")
    assert 'error_description="The access token is bound to another key."' in answer["WWW-Authenticate"]


@pytest.mark.spec("RFC 9449", "11.1")
@each_mechanism
def test_a_proof_is_accepted_once(ask: Ask, key: DPoPKey, token: str, path: str) -> None:
    proof = key.proof("GET", API + path, token)
    assert ask(path, token, proof).status_code == 200
    answer = ask(path, token, proof)
    assert refusal(answer) == (401, "invalid_dpop_proof")
    assert "used before" in answer["WWW-Authenticate"]


@pytest.mark.spec("RFC 9449", "7.2")
@each_mechanism
def test_without_credentials_both_schemes_are_told(ask: Ask, path: str) -> None:
    challenge = ask(path)["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="api"')
    assert (
        f', DPoP realm="api"{"" if path.startswith("/prefix") else ", scope=" + chr(34) + "notes:read" + chr(34)}, {ALGS}'
        in challenge
    )
    assert "error" not in challenge


SPOILT: dict[str, dict[str, object]] = {
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "an endless jti": {"jti": "x" * 1000},
    "another method": {"htm": "POST"},
    "no method": {"htm": None},
    "another path": {"htu": f"{API}/admin"},
    "another host": {"htu": "https://elsewhere.example/function"},
    "another scheme": {"htu": "http://api.example/function"},
    "another port": {"htu": "https://api.example:8443/function"},
    "no address": {"htu": None},
    "an address that is none": {"htu": ["https://api.example/function"]},
    "made long ago": {"iat": 1},
    "made tomorrow": {"iat": int(time.time()) + 86400},
    "made nobody knows when": {"iat": None},
    "no hash of the token": {"ath": None},
    "the hash of another token": {"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"},
}


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("path", ["/function", "/async-function"])
@pytest.mark.parametrize("said", SPOILT.values(), ids=SPOILT)
def test_each_check_of_a_proof(ask: Ask, key: DPoPKey, token: str, said: dict[str, object], path: str) -> None:
    told = {name: value.replace("/function", path) if isinstance(value, str) else value for name, value in said.items()}
    answer = ask(path, token, key.proof("GET", API + path, token, **told))
    assert refusal(answer) == (401, "invalid_dpop_proof")
    assert answer["WWW-Authenticate"].isprintable()


@pytest.mark.spec("RFC 9449", "4.3")
def test_what_is_no_proof_is_refused(ask: Ask, key: DPoPKey, token: str) -> None:
    good = key.proof("GET", NOTES, token)
    claims = {"jti": "1", "htm": "GET", "htu": NOTES, "iat": int(time.time())}
    for proof in (
        "x",
        "a.b.c",
        f"{good}x",
        f"{good},{key.proof('GET', NOTES, token)}",
        f"{good}, {good}",
        key.sign(claims, typ="at+jwt"),
        sign(claims, SigningKeyPair.generate("ES256"), typ="dpop+jwt"),
        token,
    ):
        assert refusal(ask("/function", token, proof)) == (401, "invalid_dpop_proof"), proof
    assert ask("/function", token, good).status_code == 200, "what was refused used up nothing"


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_algorithm_that_is_told_will_do(ask: Ask, issuer: FakeIssuer, alg: str) -> None:
    key = DPoPKey(alg)
    token = issuer.token("notes:read", key=key)
    assert ask("/function", token, key.proof("GET", NOTES, token)).status_code == 200


@pytest.mark.spec("RFC 9449", "11.6")
def test_an_algorithm_that_is_not_permitted_here_is_refused(ask: Ask, declare: Any, key: DPoPKey, token: str) -> None:
    declare(algs=["EdDSA"])
    answer = ask("/function", token, key.proof("GET", NOTES, token))
    assert refusal(answer) == (401, "invalid_dpop_proof")
    assert answer["WWW-Authenticate"].endswith('algs="EdDSA"')


@given(header=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=200))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_whatever_is_sent_as_a_proof_is_answered(ask: Ask, token: str, header: str) -> None:
    assert ask("/function", token, header or "-").status_code == 401


@pytest.mark.spec("RFC 9449", "7.1")
def test_a_proof_says_nothing_good_of_a_token_that_is_dead(ask: Ask, issuer: FakeIssuer, key: DPoPKey) -> None:
    for token in (issuer.expired_token(key=key), issuer.token_for_another_audience(key=key)):
        answer = ask("/function", token, key.proof("GET", NOTES, token))
        assert refusal(answer) == (401, "invalid_token")
        assert answer["WWW-Authenticate"].startswith("DPoP ")


def test_a_scope_that_is_missing_is_told_by_the_scheme(ask: Ask, issuer: FakeIssuer, key: DPoPKey) -> None:
    token = issuer.token("email", key=key)
    answer = ask("/function", token, key.proof("GET", NOTES, token))
    assert refusal(answer) == (403, "insufficient_scope")
    assert answer["WWW-Authenticate"].startswith('DPoP realm="api", error="insufficient_scope"')


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("host", ["api.example", "10.0.0.7:8000", "elsewhere.example"])
def test_the_host_header_is_not_looked_at(ask: Ask, key: DPoPKey, token: str, settings: Any, host: str) -> None:
    """Behind a proxy it is another; and whoever replays a proof elsewhere writes what they like."""
    settings.ALLOWED_HOSTS = ["*"]
    assert ask("/function", token, key.proof("GET", NOTES, token), HTTP_HOST=host).status_code == 200
    elsewhere = key.proof("GET", f"https://{host}/function", token)
    expected = 200 if host == "api.example" else 401
    assert ask("/function", token, elsewhere, HTTP_HOST=host).status_code == expected


@pytest.mark.parametrize("path", ["/function", "/async-function"])
def test_below_a_path_the_address_has_it(ask: Ask, key: DPoPKey, token: str, settings: Any, path: str) -> None:
    settings.FORCE_SCRIPT_NAME = "/mounted"
    settings.OAUTH_RESOURCE_SERVER |= {"resource": f"{API}/mounted"}
    token = FakeIssuer.token(
        settings.OAUTH_RESOURCE_SERVER["verifier"]._issuer, "notes:read", audience=f"{API}/mounted", key=key
    )
    assert ask(path, token, key.proof("GET", f"{API}/mounted{path}", token)).status_code == 200
    assert ask(path, token, key.proof("GET", f"{API}{path}", token)).status_code == 401


def test_operators_are_told_the_addresses_that_are_known(ask: Ask, key: DPoPKey, token: str, caplog: Any) -> None:
    caplog.set_level("INFO", "django_oauth_server.resource")
    assert refusal(ask("/function", token, key.proof("GET", "http://testserver/function", token)))[0] == 401
    said = "The DPoP proof is not valid: its htu is not the address of the request. The request is GET at https://api.example."
    assert f"access token refused at /function: {said}" in [one.getMessage() for one in caplog.records]


def test_several_resources_have_several_addresses(ask: Ask, issuer: FakeIssuer, key: DPoPKey, settings: Any) -> None:
    others = ["https://mail.example/v1", API]
    settings.OAUTH_RESOURCE_SERVER = settings.OAUTH_RESOURCE_SERVER | {"resource": others}
    token = issuer.token("notes:read", key=key)
    for origin in ("https://mail.example", API):
        assert ask("/function", token, key.proof("GET", f"{origin}/function", token)).status_code == 200


def test_further_addresses_are_a_setting(ask: Ask, declare: Any, key: DPoPKey, token: str) -> None:
    declare(addresses=["https://gateway.example/notes/"])
    assert ask("/function", token, key.proof("GET", "https://gateway.example/notes/function", token)).status_code == 200
    assert ask("/function", token, key.proof("GET", "https://gateway.example/function", token)).status_code == 401


def test_a_resource_that_is_no_url_needs_one(
    ask: Ask, declare: Any, issuer: FakeIssuer, key: DPoPKey, settings: Any
) -> None:
    settings.OAUTH_RESOURCE_SERVER |= {"resource": "urn:notes"}
    token = issuer.token("notes:read", audience="urn:notes", key=key)
    assert refusal(ask("/function", token, key.proof("GET", NOTES, token))) == (401, "invalid_dpop_proof")
    declare(addresses=[API])
    assert ask("/function", token, key.proof("GET", NOTES, token)).status_code == 200


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("query", ["", "?since=1&until=%20", "?"])
def test_the_query_is_not_compared(ask: Ask, key: DPoPKey, token: str, query: str) -> None:
    assert ask(f"/function{query}", token, key.proof("GET", f"{NOTES}{query}", token)).status_code == 200
    assert ask(f"/function{query}", token, key.proof("GET", NOTES, token)).status_code == 200


# -- nonces ------------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9449", "9")
@each_mechanism
def test_a_nonce_that_is_required_is_told_and_then_used(
    ask: Ask, declare: Any, key: DPoPKey, token: str, path: str
) -> None:
    declare(nonces="required")
    refused = ask(path, token, key.proof("GET", API + path, token))
    assert refusal(refused) == (401, "use_dpop_nonce")
    assert refused["WWW-Authenticate"].startswith('DPoP realm="api", error="use_dpop_nonce"')
    key.nonce = refused["DPoP-Nonce"]
    answer = ask(path, token, key.proof("GET", API + path, token))
    assert (answer.status_code, bool(answer["DPoP-Nonce"])) == (200, True)


@pytest.mark.spec("RFC 9449", "9")
def test_a_nonce_that_this_server_did_not_make_is_refused(
    ask: Ask, declare: Any, key: DPoPKey, token: str, settings: Any
) -> None:
    for nonces in ("required", "offered"):
        declare(nonces=nonces)
        for nonce in ("x", "x" * 100, "é"):
            proof = key.proof("GET", NOTES, token, nonce=nonce)
            assert refusal(ask("/function", token, proof)) == (401, "use_dpop_nonce")


@pytest.mark.spec("RFC 9449", "8.2")
def test_nonces_that_are_offered_may_be_left_out(ask: Ask, declare: Any, key: DPoPKey, token: str) -> None:
    declare(nonces="offered")
    answer = ask("/function", token, key.proof("GET", NOTES, token))
    assert answer.status_code == 200
    key.nonce = answer["DPoP-Nonce"]
    assert ask("/function", token, key.proof("GET", NOTES, token)).status_code == 200


@pytest.mark.spec("RFC 9449", "8.2")
def test_every_answer_to_a_proof_has_a_nonce(
    ask: Ask, declare: Any, key: DPoPKey, issuer: FakeIssuer, token: str
) -> None:
    declare(nonces="offered")
    bare = issuer.token("email", key=key)
    for answer in (
        ask("/function", token),
        ask("/function", token, DPoPKey().proof("GET", NOTES, token)),
        ask("/function", bare, key.proof("GET", NOTES, bare)),
        ask("/rest", bare, key.proof("GET", f"{API}/rest", bare)),
    ):
        assert answer.status_code in {401, 403}
        assert answer["DPoP-Nonce"]


def test_nonces_that_are_off_are_not_looked_at(ask: Ask, key: DPoPKey, token: str) -> None:
    answer = ask("/function", token, key.proof("GET", NOTES, token, nonce="of somebody else"))
    assert (answer.status_code, "DPoP-Nonce" in answer) == (200, False)


def test_a_nonce_is_known_after_the_secret_was_changed(
    ask: Ask, declare: Any, key: DPoPKey, token: str, settings: Any
) -> None:
    declare(nonces="required")
    key.nonce = ask("/function", token, key.proof("GET", NOTES, token))["DPoP-Nonce"]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    assert ask("/function", token, key.proof("GET", NOTES, token)).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert refusal(ask("/function", token, key.proof("GET", NOTES, token))) == (401, "use_dpop_nonce")


# -- who remembers -----------------------------------------------------------------------------------------------------


class Away:
    """A cache whose server does not answer; or one that keeps that to itself."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def add(self, *args: object) -> bool:
        if not self._silent:
            raise ConnectionError("refused")
        return False

    def get(self, *args: object) -> None:
        return None


@pytest.mark.parametrize("silent", [False, True])
@each_mechanism
def test_while_nobody_remembers_nothing_opens(
    ask: Ask, key: DPoPKey, token: str, path: str, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shared_cache("default"), "ask", lambda question, away: _asked(question, Away(silent=silent), away)
    )
    answer = ask(path, token, key.proof("GET", API + path, token))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "temporarily_unavailable"


def _asked(question: Any, cache: Any, away: Any) -> Any:
    try:
        return question(cache)
    except ConnectionError:
        return away


def test_what_is_remembered_is_no_proof(ask: Ask, key: DPoPKey, token: str) -> None:
    ask("/function", token, key.proof("GET", NOTES, token, jti="a-jti"))
    assert caches["default"]._cache  # type: ignore[attr-defined]
    for name in caches["default"]._cache:  # type: ignore[attr-defined]
        assert "a-jti" not in name


def test_one_clients_jti_says_nothing_of_anothers(ask: Ask, issuer: FakeIssuer) -> None:
    for key in (DPoPKey(), DPoPKey()):
        token = issuer.token("notes:read", key=key)
        assert ask("/function", token, key.proof("GET", NOTES, token, jti="1")).status_code == 200
