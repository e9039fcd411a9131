"""Assertions of an issuer elsewhere that somebody made up, and those of an issuer that says anything: never a 500, and nobody gets more."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.conf import People
from django_oauth_server.models import Authorization
from django_oauth_server.models.linked_identity import LinkedIdentity
from tests.factories import UserFactory
from tests.flow import Flow
from tests.hostile.junk import BOUNDED
from tests.hostile.test_assertions import JSON, encoded
from tests.trusted_issuers.idp import (
    GRANT,
    ID_JAG,
    IDP,
    JWT_BEARER,
    agent,
    assertion,
    id_jag,
    linked,
    trusted,
    trusting,
)

pytestmark = pytest.mark.django_db
CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "tenant", "client_id", "scope", "resource", "cnf", "email"]
CLAIMS += ["email_verified", "authorization_details", "act", "may_act"]


@pytest.fixture
def flow(settings: Any) -> Flow:
    people = People(scopes=("notes:read",), by_email=True)
    unlimited = {"throttles": {"redemption": None}}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting(trusted(people=people)) | unlimited
    linked(UserFactory(email="alice@example.com"))
    return Flow(agent(), Browser())


def ask(flow: Flow, jwt: str, **params: Any) -> Any:
    return flow.token(grant_type=JWT_BEARER, assertion=jwt, **({"scope": "notes:read"} | params))


@given(header=JSON, claims=JSON | st.dictionaries(st.sampled_from(CLAIMS), JSON), signature=st.text(max_size=10))
@BOUNDED
def test_any_three_parts(flow: Flow, header: Any, claims: Any, signature: str) -> None:
    of_idp = {**claims, "iss": IDP} if isinstance(claims, dict) else claims
    for head in (header, {"alg": "ES256", "typ": GRANT}, {"alg": header, "typ": header, "kid": header}):
        for said in (claims, of_idp):
            assert ask(flow, f"{encoded(head)}.{encoded(said)}.{signature}").status_code == 400
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("kind", [GRANT, ID_JAG])
@given(name=st.sampled_from(CLAIMS), value=JSON)
@BOUNDED
def test_a_good_one_with_one_claim_of_any_kind(flow: Flow, kind: str, name: str, value: Any) -> None:
    jwt = assertion(**{name: value}) if kind == GRANT else id_jag(flow.client, **{name: value})
    response = ask(flow, jwt)
    assert response.status_code in {200, 400}
    assert response.json().get("scope", "notes:read") == "notes:read"
    assert LinkedIdentity.objects.count() == 1


@given(address=st.text(max_size=40) | st.emails(), verified=JSON)
@BOUNDED
def test_an_address_of_any_kind_finds_nobody_else(flow: Flow, address: str, verified: Any) -> None:
    assert ask(flow, assertion(sub="mallory", email=address, email_verified=verified)).status_code == 400
    assert ask(flow, assertion(sub="mallory", email=address, email_verified=True)).status_code == 400


@given(junk=st.text(max_size=50) | st.text("ab.=-_", max_size=50))
@BOUNDED
def test_no_jwt_at_all(flow: Flow, junk: str) -> None:
    assert ask(flow, junk).status_code == 400
