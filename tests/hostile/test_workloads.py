"""Tokens of a platform that somebody made up, and those of a platform that says anything: never a 500, and never another client."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.models.used_assertion import UsedAssertion
from tests.assertions import proof
from tests.flow import INTROSPECT, REVOKE, TOKEN, form
from tests.hostile.junk import BOUNDED, FORM
from tests.hostile.test_assertions import JSON, encoded
from tests.trusted_issuers.idp import JWT_BEARER
from tests.workloads.platforms import github, github_token, kubernetes_token, trusted, workload_client

pytestmark = pytest.mark.django_db
CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "ref_type", "kubernetes.io", "client_id", "scope", "tenant"]


@pytest.fixture(autouse=True)
def platforms(settings: Any) -> None:
    unlimited = {"throttles": {"client_authentication": None, "client_authentication_by_address": None}}
    more = {"trusted_issuers": {"issuers": trusted()}, **unlimited}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | more
    for client_id in ("deploy", "release", "payments-api"):
        workload_client(client_id, metadata__grant_types=["client_credentials", JWT_BEARER])


def ask(jwt: str, path: str = TOKEN) -> Any:
    body = form({"grant_type": "client_credentials", "scope": "notes:read", "token": "x", **proof(jwt)})
    return Browser().post(path, body, content_type=FORM)


def bear(jwt: str) -> Any:
    return Browser().post(TOKEN, form({"grant_type": JWT_BEARER, "assertion": jwt}), content_type=FORM)


@given(header=JSON, claims=JSON | st.dictionaries(st.sampled_from(CLAIMS), JSON), signature=st.text(max_size=10))
@BOUNDED
def test_any_three_parts(header: Any, claims: Any, signature: str) -> None:
    of_platform = {**github(), **claims} if isinstance(claims, dict) else claims
    for head in (header, {"alg": "RS256", "typ": "JWT"}, {"alg": header, "typ": header, "kid": header}):
        for said in (claims, of_platform):
            jwt = f"{encoded(head)}.{encoded(said)}.{signature}"
            assert ask(jwt).status_code in {400, 401}
            assert bear(jwt).status_code in {400, 401}
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize(
    ("make", "decides"), [(github_token, {"iss", "sub"}), (kubernetes_token, {"iss", "sub", "kubernetes.io"})]
)
@given(name=st.sampled_from(CLAIMS), value=JSON)
@BOUNDED
def test_a_good_one_with_one_claim_of_any_kind(make: Any, decides: set[str], name: str, value: Any) -> None:
    """JSON made at random is never the name of a workload."""
    jwt = make(**{name: value})
    for response in (ask(jwt), bear(jwt)):
        assert response.status_code in ({401} if name in decides else {200, 401})


@pytest.mark.parametrize("path", [TOKEN, REVOKE, INTROSPECT])
@pytest.mark.parametrize("sub", ["\0", "\ud800", "x" * 40_000, "\u202e", "\r\nX: y", " ", "\U0010ffff"], ids=ascii)
def test_a_subject_that_no_database_and_no_log_could_take(path: str, sub: str) -> None:
    assert ask(github_token(sub=sub), path).status_code == 401


@given(junk=st.text(max_size=50) | st.text("ab.=-_", max_size=50))
@BOUNDED
def test_no_jwt_at_all(junk: str) -> None:
    assert ask(junk).status_code in {400, 401}
    assert bear(junk).status_code in {400, 401}
