"""Claims that are asked for one by one (OpenID Connect Core section 5.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from django_oauth_server.conf import Scope
from django_oauth_server.models import Authorization
from tests.flow import Flow, answered
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

WANTED = json.dumps({"id_token": {"email": None}, "userinfo": {"given_name": {"essential": True}}})


@pytest.mark.requirement(24)
@pytest.mark.parametrize(
    "claims",
    [
        "{}",
        '{"userinfo": null}',
        '{"userinfo": {"name": null}, "id_token": {"auth_time": {"essential": true}}}',
        '{"id_token": {"sub": null}}',
        '{"id_token": {"sub": {"value": null}}}',
        '{"id_token": {"sub": {"values": []}}}',
        '{"id_token": {"acr": {"values": ["1"]}}}',
        '{"id_token": []}',
        '{"userinfo": {"name": "yes", "email": 3, "x": {"essential": "perhaps", "value": {}}}}',
        '{"id_token": {"acr": {"essential": true, "values": "1"}}}',
        '{"unknown": {"name": null}}',
        '{"userinfo": {"name": {"value": "\\u0000", "values": ["\\ud800", 1e400]}}}',
    ],
)
def test_no_well_formed_value_causes_an_error(rp: Flow, claims: str) -> None:
    assert "id_token" in rp.tokens(scope="openid", claims=claims)


@pytest.mark.parametrize("claims", ["", "{", "[]", "3", "null", '"x"', "{" * 5000, '{"userinfo":'])
def test_what_is_no_json_object_is_refused(rp: Flow, claims: str) -> None:
    response = rp.authorize(scope="openid", claims=claims)
    if not claims:
        assert response.status_code == 200
        return
    told = answered(response)
    assert told["error"] == "invalid_request" and "claims" in told["error_description"]


def test_a_person_is_asked_for_each_and_it_is_remembered(rp: Flow, user: Any) -> None:
    page = rp.authorize(scope="openid", claims=WANTED)
    html = page.content.decode()
    assert "See your given name" in html and "See your email address" in html
    rp.decide(page)
    assert Authorization.objects.get().claims == ["email", "given_name"]
    assert "code" in answered(rp.authorize(scope="openid", claims=WANTED))
    more = json.dumps({"userinfo": {"family_name": None}})
    assert "This app will also be able to" in rp.authorize(scope="openid", claims=more).content.decode()


def test_what_a_scope_brings_is_not_asked_for_twice(rp: Flow) -> None:
    html = rp.authorize(scope="openid email profile", claims=WANTED).content.decode()
    assert "See your given name" not in html


@pytest.mark.spec("OpenID Connect Core", "5.5")
def test_what_the_person_cleared_as_a_scope_is_not_told_as_a_claim(rp: Flow, user: Any, settings: Any) -> None:
    user.email = "alice@example.com"
    user.save()
    scopes = settings.OAUTH_SERVER["scopes"] | {"email": Scope("see your email address", optional=True)}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes}
    claims = json.dumps({"id_token": {"email": None}, "userinfo": {"email": {"essential": True}}})
    page = rp.authorize(scope="openid email", claims=claims)
    tokens = rp.exchange(answered(rp.decide(page, scope=[]))["code"]).json()
    assert tokens["scope"] == "openid"
    assert "email" not in read(tokens["id_token"])
    assert "email" not in rp.userinfo(tokens["access_token"])


def test_a_client_gets_no_more_than_its_scopes_could_bring(rp: Flow, user: Any) -> None:
    user.email = "alice@example.com"
    user.save()
    rp.client.metadata["scope"] = "openid profile"
    rp.client.save()
    page = rp.authorize(scope="openid", claims=WANTED)
    assert "email address" not in page.content.decode()
    tokens = rp.exchange(answered(rp.decide(page))["code"]).json()
    assert "email" not in read(tokens["id_token"])


def test_a_sub_that_is_somebody_elses_is_not_answered(rp: Flow, user: Any) -> None:
    rp.tokens(scope="openid")
    mine = json.dumps({"id_token": {"sub": {"value": str(user.pk)}}})
    assert "code" in answered(rp.authorize(scope="openid", claims=mine, prompt="none"))
    other = json.dumps({"id_token": {"sub": {"value": "somebody else"}}})
    assert answered(rp.authorize(scope="openid", claims=other, prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("form", ["opaque", "at+jwt"])
def test_what_is_the_clients_own_is_not_told_to_resource_servers(rp: Flow, form: str) -> None:
    rp.client.access_token_format = form
    rp.client.save()
    seen = rp.introspect(rp.tokens(scope="openid", claims=WANTED)["access_token"])
    assert not {"sid", "claims", "nonce"} & seen.keys()


@pytest.mark.parametrize("form", ["", "at+jwt"])
def test_claims_by_name_end_with_the_scope_that_an_operator_took_away(rp: Flow, user: Any, form: str) -> None:
    rp.client.access_token_format = form
    rp.client.save()
    user.email = "ada@example.org"
    user.save()
    asked = json.dumps({"id_token": {"email": None}, "userinfo": {"email": None}})
    tokens = rp.tokens(scope="openid", claims=asked)
    assert rp.userinfo(tokens["access_token"])["email"] == "ada@example.org"
    rp.client.metadata |= {"scope": "openid profile"}
    rp.client.save()
    assert "email" not in rp.userinfo(tokens["access_token"])
    again = rp.refresh(tokens["refresh_token"]).json()
    assert "email" not in read(again["id_token"])
    assert "email" not in rp.userinfo(again["access_token"])


def test_claims_of_a_scope_end_with_it_too(rp: Flow, user: Any) -> None:
    user.email = "ada@example.org"
    user.save()
    tokens = rp.tokens(scope="openid email")
    assert "email" in rp.userinfo(tokens["access_token"])
    rp.client.metadata |= {"scope": "openid"}
    rp.client.save()
    assert "email" not in rp.userinfo(tokens["access_token"])


def test_claims_by_name_end_with_the_scope_that_the_person_took_away(rp: Flow, user: Any, settings: Any) -> None:
    scopes = settings.OAUTH_SERVER["scopes"] | {"email": Scope("see your email address", optional=True)}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes}
    user.email = "ada@example.org"
    user.save()
    asked = json.dumps({"id_token": {"email": None}})
    tokens = rp.tokens(scope="openid email", claims=asked)
    assert read(tokens["id_token"])["email"] == "ada@example.org"
    rp.decide(rp.authorize(scope="openid email", prompt="consent"), scope=[])
    again = rp.refresh(tokens["refresh_token"]).json()
    assert "email" not in read(again["id_token"])
