"""The JWT bearer grant (RFC 7523 section 2.1): what an assertion brings, for whom, and how long."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf import People
from django_oauth_server.models import Authorization
from django_oauth_server.storage.authorizations import revoke_authorizations
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, told
from tests.trusted_issuers.idp import (
    IDP,
    JWT_BEARER,
    MAIL,
    NOTES,
    OTHER,
    OTHER_KEY,
    agent,
    assertion,
    linked,
    trusted,
)

pytestmark = pytest.mark.django_db
Present = Callable[..., Any]


@pytest.fixture
def ask(client_app: Any) -> Callable[[str], dict[str, Any]]:
    """What introspection says of a token, to the client that holds it."""
    return lambda token: Flow(client_app, Browser()).introspect(token)


@pytest.mark.spec("RFC 7523", "2.1")
def test_an_assertion_brings_an_access_token_for_its_person(present: Present, alice: Any, ask: Any) -> None:
    response = present(assertion(), scope="notes:read")
    answer = response.json()
    assert (response.status_code, answer["token_type"], answer["scope"]) == (200, "Bearer", "notes:read")
    said = ask(answer["access_token"])
    assert (said["active"], said["sub"], said["vouched_by"]) == (True, str(alice.pk), IDP)


@pytest.mark.spec("MCP", "mcp-authorization-extensions")
@pytest.mark.spec("RFC 7521", "4.1")
@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.4.3")
def test_it_brings_neither_a_refresh_token_nor_an_id_token(alice: Any) -> None:
    app = agent(metadata__grant_types=[JWT_BEARER, "refresh_token"], metadata__scope="notes:read openid offline_access")
    answer = Flow(app, Browser()).token(grant_type=JWT_BEARER, assertion=assertion(), scope="notes:read")
    assert answer.status_code == 200
    assert {"refresh_token", "id_token"}.isdisjoint(answer.json())


def test_the_person_sees_who_allowed_it_and_can_end_it(present: Present, alice: Any, browser: Any, ask: Any) -> None:
    token = present(assertion(), scope="notes:read").json()["access_token"]
    page = browser.get("/oauth/connected-apps/").content.decode()
    assert "Allowed by idp.example" in page and "even while you aren" in page
    leave = browser.get(re.search(r'href="([^"]+/remove)"', page)[1]).content.decode()
    assert "The organization that allowed it can allow it again." in leave and "from the app" not in leave
    revoke_authorizations([Authorization.objects.get(user=alice)], timezone.now())
    assert ask(token) == {"active": False}


def test_the_next_assertion_allows_it_anew(present: Present, alice: Any) -> None:
    present(assertion(), scope="notes:read")
    revoke_authorizations([Authorization.objects.get(user=alice)], timezone.now())
    assert present(assertion(), scope="notes:read").status_code == 200
    assert Authorization.objects.filter(user=alice, is_live=True).count() == 1


def test_one_record_is_kept_however_many_assertions_come(present: Present, alice: Any) -> None:
    for scope in ("notes:read", "notes:write", "notes:read"):
        present(assertion(), scope=scope)
    record = Authorization.objects.get(user=alice)
    assert record.scope == "notes:read notes:write"


def test_what_a_person_allowed_is_never_widened_by_an_assertion(alice: Any, browser: Any) -> None:
    app = agent(metadata__grant_types=[JWT_BEARER, "authorization_code"])
    flow = Flow(app, browser)
    flow.tokens(scope="notes:read")
    assert flow.token(grant_type=JWT_BEARER, assertion=assertion(), scope="notes:write").status_code == 200
    assert flow.authorize(scope="notes:read notes:write").status_code == 200  # the page asks
    records = {str(one.facts): one.scope for one in Authorization.objects.filter(user=alice)}
    assert records == {"None": "notes:read", str({"vouched_by": IDP}): "notes:write"}


def test_a_changed_password_ends_what_came_before(present: Present, alice: Any, ask: Any) -> None:
    token = present(assertion(), scope="notes:read").json()["access_token"]
    alice.set_password("another")
    alice.save()
    assert not ask(token)["active"]
    assert ask(present(assertion(), scope="notes:read").json()["access_token"])["active"]


@pytest.mark.spec("RFC 8707", "2")
def test_a_token_is_for_the_resource_that_is_asked_for(present: Present, alice: Any, ask: Any) -> None:
    answer = present(assertion(), scope="notes:read", resource=[NOTES, MAIL]).json()
    assert sorted(ask(answer["access_token"])["aud"]) == [MAIL, NOTES]
    assert (
        told(present(assertion(), scope="notes:read", resource="https://api.example/unknown"))["error"]
        == "invalid_target"
    )


@pytest.mark.spec("RFC 7521", "4.1")
def test_the_default_scopes_are_for_requests_without_a_scope(trust: Any, present: Present, alice: Any) -> None:
    assert told(present(assertion()))["error"] == "invalid_scope"
    trust(default_scopes=["notes:read", "openid"])
    assert present(assertion()).json()["scope"] == "notes:read"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("notes:write", "notes:write, which assertions of its issuer cannot bring"),
        ("email", "email, which assertions of its issuer cannot bring"),
        ("notes:read unknown", "unknown, which assertions of its issuer cannot bring"),
        ('"', "a character that RFC 6749 section 3.3 does not allow"),
    ],
)
def test_scopes_are_bounded_by_the_issuer(trust: Any, present: Present, alice: Any, asked: str, words: str) -> None:
    trust(trusted(people=People(scopes=("notes:read",))))
    refusal = told(present(assertion(), scope=asked))
    assert refusal["error"] == "invalid_scope" and words in refusal["error_description"]


def test_scopes_are_bounded_by_the_client(alice: Any, present: Present) -> None:
    app = agent(metadata__scope="notes:read")
    refusal = told(present(assertion(), app, scope="notes:write"))
    assert refusal["error"] == "invalid_scope" and "this client may not request" in refusal["error_description"]


class TestClients:
    """Only who was given the grant type may present assertions, and has to authenticate."""

    def test_a_client_without_the_grant_type(self, present: Present, alice: Any) -> None:
        assert told(present(assertion(), ClientFactory()))["error"] == "unauthorized_client"

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "7.1")
    def test_a_public_client(self, present: Present, alice: Any) -> None:
        assert told(present(assertion(), agent(public=True)))["error"] == "unauthorized_client"

    @pytest.mark.spec("RFC 7521", "4.1.1")
    def test_a_client_that_does_not_authenticate(self, client_app: Any, alice: Any) -> None:
        response = Flow(client_app, Browser()).token(authorization=None, grant_type=JWT_BEARER, assertion=assertion())
        assert (response.status_code, told(response)["error"]) == (401, "invalid_client")

    def test_no_client_gives_itself_the_grant_type(self, trust: Any) -> None:
        document = {"redirect_uris": ["https://app.example/"], "grant_types": [JWT_BEARER]}
        response = Browser().post("/oauth/register", document, content_type="application/json")
        assert response.status_code == 400 and "grant_types" in told(response)["error_description"]


class TestMetadata:
    """What is advertised is what is accepted."""

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "6")
    def test_nothing_while_no_issuer_is_trusted(self, settings: Any, db: None) -> None:
        document = Browser().get("/.well-known/oauth-authorization-server").json()
        assert JWT_BEARER not in document["grant_types_supported"]
        assert "authorization_grant_profiles_supported" not in document

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "6")
    def test_the_grant_and_its_profile(self, trust: Any) -> None:
        document = Browser().get("/.well-known/oauth-authorization-server").json()
        assert JWT_BEARER in document["grant_types_supported"]
        assert document["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "6")
    def test_no_profile_where_no_issuer_may_use_it(self, trust: Any) -> None:
        trust(trusted(people=People(scopes=("notes:read",), types=("JWT",))))
        assert (
            "authorization_grant_profiles_supported"
            not in Browser().get("/.well-known/oauth-authorization-server").json()
        )

    def test_an_issuer_that_is_trusted_with_nothing_switches_nothing_on(self, trust: Any, present: Present) -> None:
        trust(trusted(people=None))
        assert told(present(assertion()))["error"] == "unsupported_grant_type"


class TestTwoIssuers:
    """A subject is its issuer's."""

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "3")
    def test_the_same_subject_of_two_issuers_is_two_people(self, trust: Any, present: Present, ask: Any) -> None:
        trust(trusted(), trusted(OTHER))
        ours, theirs = linked(UserFactory()), linked(UserFactory(), issuer=OTHER)
        first = present(assertion(), scope="notes:read").json()["access_token"]
        second = present(assertion(OTHER_KEY, iss=OTHER), scope="notes:read").json()["access_token"]
        assert [ask(one)["sub"] for one in (first, second)] == [str(ours.pk), str(theirs.pk)]

    def test_a_link_of_one_issuer_is_nothing_to_another(self, trust: Any, present: Present, alice: Any) -> None:
        trust(trusted(), trusted(OTHER))
        refusal = told(present(assertion(OTHER_KEY, iss=OTHER), scope="notes:read"))
        assert refusal["error"] == "invalid_grant" and "no account is linked" in refusal["error_description"]

    def test_the_same_jti_of_two_issuers_is_two_assertions(self, trust: Any, present: Present, alice: Any) -> None:
        trust(trusted(), trusted(OTHER))
        linked(UserFactory(), issuer=OTHER)
        assert present(assertion(jti="1"), scope="notes:read").status_code == 200
        assert present(assertion(OTHER_KEY, iss=OTHER, jti="1"), scope="notes:read").status_code == 200

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "3")
    def test_tenants_of_an_issuer_share_no_people(self, trust: Any, present: Present, ask: Any) -> None:
        trust(trusted(tenant="acme"))
        linked(UserFactory())
        person = linked(UserFactory(), tenant="acme")
        assert ask(present(assertion(tenant="acme"), scope="notes:read").json()["access_token"])["sub"] == str(
            person.pk
        )


@pytest.mark.spec("RFC 7523", "3")
def test_an_assertion_without_a_jti_is_good_until_it_expires(present: Present, alice: Any) -> None:
    jwt = assertion(jti=None)
    assert {present(jwt, scope="notes:read").status_code for _ in range(2)} == {200}


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.4.3")
def test_a_deployment_may_let_assertions_be_presented_again(trust: Any, present: Present, alice: Any) -> None:
    trust(trusted(people=People(scopes=("notes:read",), single_use=False)))
    jwt = assertion()
    assert {present(jwt, scope="notes:read").status_code for _ in range(2)} == {200}


@pytest.mark.spec("RFC 7523", "3")
def test_what_is_refused_is_not_used_up(present: Present, alice: Any) -> None:
    jwt = assertion()
    assert told(present(jwt, scope="unknown"))["error"] == "invalid_scope"
    assert told(present(jwt, scope="notes:read", resource="https://api.example/no"))["error"] == "invalid_target"
    assert present(jwt, scope="notes:read").status_code == 200


@pytest.mark.spec("RFC 7523", "3")
def test_clocks_may_differ_a_little(present: Present, alice: Any) -> None:
    assert (
        present(assertion(iat=timedelta(seconds=20), nbf=timedelta(seconds=20)), scope="notes:read").status_code == 200
    )
