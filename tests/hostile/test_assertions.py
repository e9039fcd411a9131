"""Client assertions that somebody made up: refused as the standard has it, never a 500, and nothing is noted."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.models.used_assertion import UsedAssertion
from tests.assertions import KEY, assertion, claims_for, key_client, proof, secret_client, signed, under_secret
from tests.flow import INTROSPECT, REVOKE, TOKEN, Flow, form
from tests.hostile.junk import BOUNDED, FORM

pytestmark = pytest.mark.django_db

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]


def encoded(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def ask(caller: Flow, jwt: str, path: str = TOKEN) -> Any:
    body = form({"grant_type": "client_credentials", "scope": "notes:read", "token": "x", **proof(jwt)})
    return caller.server.post(path, body, content_type=FORM)


@given(header=JSON, claims=JSON | st.dictionaries(st.sampled_from(CLAIMS), JSON), signature=st.text(max_size=10))
@BOUNDED
def test_any_three_parts(caller: Flow, header: Any, claims: Any, signature: str) -> None:
    for head in (header, {"alg": "ES256"}, {"alg": "HS256"}, {"alg": header, "typ": header, "kid": header}):
        jwt = f"{encoded(head)}.{encoded(claims)}.{signature}"
        assert ask(caller, jwt).status_code in {400, 401}
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize("make", [key_client, secret_client])
@given(name=st.sampled_from(CLAIMS), value=JSON)
@BOUNDED
def test_a_good_one_with_one_claim_of_any_kind(caller: Flow, make: Any, name: str, value: Any) -> None:
    client = make()
    claims = claims_for(client) | {name: value}
    jwt = signed(claims, KEY) if make is key_client else under_secret(claims, client.secret)
    assert ask(caller, jwt).status_code in {200, 401}


@pytest.mark.parametrize("path", [TOKEN, REVOKE, INTROSPECT])
@pytest.mark.parametrize(
    "sub", ["\0", "a\0b", "\ud800", "a\udfffb", "x" * 60_000, "\u202e", "\r\nX: y", " ", "\U0010ffff"], ids=ascii
)
def test_a_subject_that_no_database_and_no_log_could_take(caller: Flow, path: str, sub: str) -> None:
    for jwt in (f"{encoded({'alg': alg})}.{encoded({'iss': sub, 'sub': sub})}.x" for alg in ("ES256", "HS256")):
        assert ask(caller, jwt, path).status_code in {400, 401, 413}


@pytest.mark.parametrize("jti", ["\0", "\ud800", "x" * 40_000, "\u202e"], ids=ascii)
def test_a_jti_is_anything_that_json_can_say(caller: Flow, jti: str) -> None:
    client = key_client()
    jwt = assertion(client, jti=jti)
    assert [ask(caller, jwt).status_code for _ in range(2)] == [200, 401]


@given(junk=st.text(max_size=50) | st.text("ab.=-_", max_size=50))
@BOUNDED
def test_no_jwt_at_all(caller: Flow, junk: str) -> None:
    assert ask(caller, junk).status_code in {400, 401}
