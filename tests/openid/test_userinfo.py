"""The UserInfo endpoint (OpenID Connect Core section 5.3): what a client is told of the person, and who is told nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Authorization, Client
from django_oauth_server.tokens.claims import UserClaims
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory
from tests.flow import USERINFO, Flow
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

FORM = "application/x-www-form-urlencoded"
EVERYTHING: dict[str, Any] = {
    "name": "Alice Adams",
    "family_name": "Adams",
    "given_name": "Alice",
    "middle_name": "Q.",
    "nickname": "Al",
    "preferred_username": "alice",
    "profile": "https://alice.example/",
    "picture": "https://alice.example/me.png",
    "website": "https://alice.example/blog",
    "gender": "female",
    "birthdate": "1990-05-01",
    "zoneinfo": "Europe/Vienna",
    "locale": "en-GB",
    "updated_at": 1700000000,
    "email": "alice@alice.example",
    "email_verified": True,
    "address": {"formatted": "1 Main St\nSpringfield", "country": "US"},
    "phone_number": "+44 20 7946 0000",
    "phone_number_verified": False,
}


class Known(UserClaims):
    """A person of whom everything is known."""

    made = 0

    def __init__(self, user: Any) -> None:
        super().__init__(user)
        type(self).made += 1


for name, value in EVERYTHING.items():
    setattr(Known, name, lambda self, value=value: value)


@pytest.fixture
def known(settings: Any) -> Iterator[type[Known]]:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"claims": f"{__name__}.Known"}
    Known.made = 0
    return Known


@pytest.fixture(params=["opaque", "at+jwt"])
def form(request: pytest.FixtureRequest, relying_party: Any) -> str:
    relying_party.access_token_format = request.param
    relying_party.save()
    return request.param


def asked(token: str = "", *, method: str = "GET", **more: Any) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Browser(enforce_csrf_checks=True).generic(method, USERINFO, **{"headers": headers, **more})


def in_form(**fields: str) -> dict[str, Any]:
    return {"data": urlencode(fields), "content_type": FORM}


@pytest.mark.requirement(35)
@pytest.mark.spec("OpenID Connect Core", "5.3.1")
def test_a_token_may_come_in_three_ways(rp: Flow, form: str) -> None:
    tokens = rp.tokens(scope="openid profile")
    token, subject = tokens["access_token"], read(tokens["id_token"])["sub"]
    answers = [
        asked(token),
        asked(token, method="POST"),
        asked(token, method="POST", **in_form()),
        asked(method="POST", **in_form(access_token=token)),
    ]
    for answer in answers:
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert answer["Cache-Control"] == "no-store"
        assert answer.json()["sub"] == subject


@pytest.mark.requirement(36)
@pytest.mark.spec("OpenID Connect Core", "5.4")
def test_all_standard_claims_of_a_person_of_whom_all_is_known(rp: Flow, known: type[Known], form: str) -> None:
    claims = rp.userinfo(rp.tokens(scope="openid profile email address phone")["access_token"])
    assert {name: value for name, value in claims.items() if name != "sub"} == EVERYTHING
    assert type(claims["updated_at"]) is int
    assert claims["email_verified"] is True and claims["phone_number_verified"] is False
    assert set(EVERYTHING) == set(UserClaims.supported())


@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone"])
def test_a_scope_gives_its_claims_and_no_others(rp: Flow, known: type[Known], scope: str) -> None:
    claims = rp.userinfo(rp.tokens(scope=f"openid {scope}")["access_token"])
    assert claims.keys() == {"sub", *UserClaims.scope_claims[scope]}


def test_the_person_is_asked_about_once(rp: Flow, known: type[Known], form: str) -> None:
    token = rp.tokens(scope="openid profile email", claims='{"userinfo": {"phone_number": null}}')["access_token"]
    known.made = 0
    rp.userinfo(token)
    assert known.made == 1


def test_what_is_not_known_is_left_out(rp: Flow) -> None:
    claims = rp.userinfo(rp.tokens(scope="openid profile email address phone")["access_token"])
    assert claims.keys() == {"sub", "preferred_username"}


@pytest.mark.requirement(24)
@pytest.mark.spec("OpenID Connect Core", "5.5")
def test_a_claim_that_was_asked_for_here_arrives_here_and_not_in_the_id_token(
    rp: Flow, known: type[Known], form: str
) -> None:
    tokens = rp.tokens(scope="openid", claims=json.dumps({"userinfo": {"name": {"essential": True}}}))
    assert rp.userinfo(tokens["access_token"]).keys() == {"sub", "name"}
    assert "name" not in read(tokens["id_token"])


@pytest.mark.spec("OpenID Connect Core", "5.5")
def test_a_claim_that_was_asked_for_in_the_id_token_does_not_arrive_here(rp: Flow, known: type[Known]) -> None:
    tokens = rp.tokens(scope="openid", claims=json.dumps({"id_token": {"name": None}}))
    assert rp.userinfo(tokens["access_token"]).keys() == {"sub"}


@pytest.mark.requirement(24)
def test_a_refreshed_token_still_gives_what_was_asked_for(rp: Flow, known: type[Known], form: str) -> None:
    tokens = rp.tokens(scope="openid", claims=json.dumps({"userinfo": {"nickname": None}}))
    refreshed = rp.refresh(tokens["refresh_token"]).json()
    assert rp.userinfo(refreshed["access_token"])["nickname"] == "Al"


@pytest.mark.spec("OpenID Connect Core", "5.3")
def test_scripts_of_any_origin_may_ask(rp: Flow) -> None:
    allowed = asked(method="OPTIONS", headers={"Origin": "https://spa.example"})
    assert allowed.status_code == 204
    assert "Authorization" in allowed["Access-Control-Allow-Headers"]
    assert {"GET", "POST"} <= set(allowed["Access-Control-Allow-Methods"].split(", "))
    for answer in (allowed, asked(), asked(rp.tokens(scope="openid")["access_token"])):
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(rp: Flow, method: str) -> None:
    answer = asked(rp.tokens(scope="openid")["access_token"], method=method)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST, OPTIONS")


def assert_challenged(answer: HttpResponse, status: int, error: str) -> None:
    assert (answer.status_code, answer.json().get("error", "")) == (status, error)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="userinfo"')
    assert (f'error="{error}"' in answer["WWW-Authenticate"]) is bool(error)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.spec("RFC 6750", "3.1")
def test_who_sends_no_token_is_told_how(client: Browser) -> None:
    assert_challenged(asked(), 401, "")
    assert_challenged(asked(headers={"Authorization": "Basic YTpi"}), 401, "")


@pytest.mark.spec("RFC 6750", "2.3")
def test_a_token_in_the_query_is_not_looked_at(rp: Flow) -> None:
    token = rp.tokens(scope="openid")["access_token"]
    assert_challenged(Browser().get(USERINFO, {"access_token": token}), 401, "")


@pytest.mark.spec("RFC 6750", "2")
def test_a_token_that_is_sent_twice_is_refused(rp: Flow) -> None:
    token = rp.tokens(scope="openid")["access_token"]
    assert_challenged(asked(token, method="POST", **in_form(access_token=token)), 400, "invalid_request")
    assert_challenged(asked("a b"), 400, "invalid_request")


@pytest.mark.spec("RFC 6750", "3.1")
def test_without_the_scope_openid_nothing_is_told(rp: Flow, form: str) -> None:
    answer = asked(rp.tokens(scope="profile")["access_token"])
    assert_challenged(answer, 403, "insufficient_scope")
    assert 'scope="openid"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize("access_token_format", ["opaque", "at+jwt"])
def test_a_client_that_acts_for_itself_is_told_of_nobody(access_token_format: str) -> None:
    client = ClientFactory(metadata__grant_types=["client_credentials"], access_token_format=access_token_format)
    token = Flow(client, Browser()).token(grant_type="client_credentials", scope="openid notes:read").json()
    assert_challenged(asked(token["access_token"]), 403, "insufficient_scope")


@pytest.mark.spec("RFC 9068", "4")
def test_a_token_for_another_resource_is_refused(rp: Flow, form: str) -> None:
    elsewhere = rp.tokens(scope="openid notes:read", resource="https://api.example/notes")
    assert_challenged(asked(elsewhere["access_token"]), 401, "invalid_token")
    assert "id_token" in elsewhere


def test_a_token_that_is_for_the_issuer_among_others_is_good(settings: Any, rp: Flow, form: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_resource": "https://api.example"}
    assert rp.userinfo(rp.tokens(scope="openid")["access_token"])["sub"]


def revoked(flow: Flow, token: str) -> None:
    flow.revoke(token)


def authorization_revoked(flow: Flow, token: str) -> None:
    Authorization.objects.update(is_live=None)


def person_disabled(flow: Flow, token: str) -> None:
    user = Authorization.objects.get().user
    user.is_active = False
    user.save()


def person_deleted(flow: Flow, token: str) -> None:
    Authorization.objects.get().user.delete()


def password_changed(flow: Flow, token: str) -> None:
    user = Authorization.objects.get().user
    user.set_password("another")
    user.save()


def client_disabled(flow: Flow, token: str) -> None:
    Client.objects.update(is_active=False)


@pytest.mark.parametrize(
    "end", [revoked, authorization_revoked, person_disabled, person_deleted, password_changed, client_disabled]
)
def test_what_has_ended_tells_nothing(rp: Flow, form: str, end: Any) -> None:
    token = rp.tokens(scope="openid profile")["access_token"]
    assert rp.userinfo(token)
    end(rp, token)
    assert_challenged(asked(token), 401, "invalid_token")


def test_an_expired_token_tells_nothing() -> None:
    token = TokenFactory(issued_at=timezone.now() - timedelta(minutes=16))
    assert_challenged(asked(token.value), 401, "invalid_token")


def test_neither_an_id_token_nor_a_refresh_token_tells_anything(rp: Flow) -> None:
    tokens = rp.tokens(scope="openid")
    assert_challenged(asked(tokens["id_token"]), 401, "invalid_token")
    assert_challenged(asked(tokens["refresh_token"]), 401, "invalid_token")


def test_a_token_of_another_issuer_tells_nothing() -> None:
    client = ClientFactory(issuer="https://other.example")
    token = TokenFactory(authorization=AuthorizationFactory(client=client), audience=["https://as.example"])
    assert_challenged(asked(token.value), 401, "invalid_token")


def test_a_signed_in_browser_without_a_token_is_told_nothing(browser: Browser) -> None:
    assert browser.get(USERINFO).status_code == 401


def test_an_oauth_server_that_is_no_openid_provider_has_no_such_endpoint(settings: Any, client: Browser) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}
    assert "userinfo_endpoint" not in client.get("/.well-known/oauth-authorization-server").json()


@pytest.mark.requirement(6)
@pytest.mark.spec("OpenID Connect Discovery", "3")
def test_the_metadata_says_where_it_is_and_what_is_told(client: Browser) -> None:
    document = client.get("/.well-known/openid-configuration").json()
    assert document["userinfo_endpoint"] == "https://as.example/oauth/userinfo"
    assert set(EVERYTHING) | {"sub"} <= set(document["claims_supported"])
    assert "openid" in document["scopes_supported"]
    assert document["subject_types_supported"] == ["public"]
