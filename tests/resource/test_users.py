"""Which user a token is for: as the deployment says, never guessed."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.resource.token import VerifiedToken
from tests.resource.verifiers import KnownTokens, make_token

pytestmark = [pytest.mark.urls("tests.resource.urls"), pytest.mark.django_db(transaction=True)]

MECHANISMS = pytest.mark.parametrize(
    "mechanism", ["/rest-view", "/rest-function", "/function", "/class", "/async-function", "/async-class"]
)


class Remote(KnownTokens):
    """As a verifier elsewhere, which knows subjects and no users."""

    def verify(self, token: str) -> VerifiedToken:
        return make_token("notes:read", subject=None if token == "client" else "alice")

    async def averify(self, token: str) -> VerifiedToken:
        return self.verify(token)


def existing(token: VerifiedToken) -> AbstractBaseUser | None:
    return get_user_model().objects.filter(username=token.subject).first()


def created(token: VerifiedToken) -> AbstractBaseUser:
    return get_user_model().objects.get_or_create(username=token.subject)[0]


@pytest.fixture
def rule(settings):
    def say(name: str) -> None:
        settings.OAUTH_RESOURCE_SERVER = {"verifier": "tests.resource.test_users.Remote"}
        settings.OAUTH_RESOURCE_SERVER |= {"user": f"tests.resource.test_users.{name}"} if name else {}

    return say


@MECHANISMS
def test_without_a_rule_a_subject_is_no_user(call, rule, mechanism):
    get_user_model().objects.create_user("alice")
    rule("")
    assert call(mechanism, authorization="Bearer any").json()["user"] is None


@MECHANISMS
def test_a_rule_finds_the_user(call, rule, mechanism):
    get_user_model().objects.create_user("alice")
    rule("existing")
    assert call(mechanism, authorization="Bearer any").json()["user"] == "alice"


@MECHANISMS
def test_a_rule_that_finds_nobody_leaves_nobody(call, rule, mechanism):
    rule("existing")
    response = call(mechanism, authorization="Bearer any")
    assert (response.status_code, response.json()["user"]) == (200, None)


@MECHANISMS
def test_a_rule_may_make_the_user(call, rule, mechanism):
    rule("created")
    assert call(mechanism, authorization="Bearer any").json()["user"] == "alice"


@MECHANISMS
def test_a_client_for_itself_is_nobody_whatever_the_rule(call, rule, mechanism):
    rule("created")
    assert call(mechanism, authorization="Bearer client").json()["user"] is None
    assert not get_user_model().objects.exists()


def test_a_user_that_no_view_looks_at_is_not_fetched(client, rule, django_assert_num_queries):
    rule("created")
    with django_assert_num_queries(0):
        assert client.get("/untouched", headers={"Authorization": "Bearer any"}).status_code == 200


def test_a_rule_that_cannot_be_imported_is_told(client, rule):
    rule("absent")
    with pytest.raises(Exception, match="cannot be imported"):
        client.get("/function", headers={"Authorization": "Bearer any"})
