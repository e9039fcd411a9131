"""Which user a token is for: as the deployment says, never guessed."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.testing.issuer import FakeIssuer

pytestmark = [pytest.mark.urls("tests.resource.urls"), pytest.mark.django_db(transaction=True)]

MECHANISMS = pytest.mark.parametrize(
    "mechanism", ["/rest-view", "/rest-function", "/function", "/class", "/async-function", "/async-class"]
)


def existing(token: VerifiedToken) -> AbstractBaseUser | None:
    return get_user_model().objects.filter(username=token.subject).first()


def created(token: VerifiedToken) -> AbstractBaseUser:
    return get_user_model().objects.get_or_create(username=token.subject)[0]


@pytest.fixture
def rule(settings, fake_issuer):
    """An issuer elsewhere, which knows subjects and no users, and what the deployment says of them."""

    def say(name: str) -> None:
        settings.OAUTH_RESOURCE_SERVER = settings.OAUTH_RESOURCE_SERVER | {"user": f"tests.resource.test_users.{name}"}

    return say


@pytest.fixture
def alice(fake_issuer: FakeIssuer) -> str:
    return f"Bearer {fake_issuer.token('notes:read', sub='alice')}"


@MECHANISMS
def test_without_a_rule_a_subject_is_no_user(call, alice, mechanism):
    get_user_model().objects.create_user("alice")
    assert call(mechanism, authorization=alice).json()["user"] is None


@MECHANISMS
def test_a_rule_finds_the_user(call, rule, alice, mechanism):
    get_user_model().objects.create_user("alice")
    rule("existing")
    assert call(mechanism, authorization=alice).json()["user"] == "alice"


@MECHANISMS
def test_a_rule_that_finds_nobody_leaves_nobody(call, rule, alice, mechanism):
    rule("existing")
    response = call(mechanism, authorization=alice)
    assert (response.status_code, response.json()["user"]) == (200, None)


@MECHANISMS
def test_a_rule_may_make_the_user(call, rule, alice, mechanism):
    rule("created")
    assert call(mechanism, authorization=alice).json()["user"] == "alice"


@MECHANISMS
def test_a_client_for_itself_is_nobody_whatever_the_rule(call, rule, fake_issuer, mechanism):
    rule("created")
    assert call(mechanism, authorization=f"Bearer {fake_issuer.token('notes:read')}").json()["user"] is None
    assert not get_user_model().objects.exists()


def test_a_user_that_no_view_looks_at_is_not_fetched(client, rule, alice, django_assert_num_queries):
    rule("created")
    with django_assert_num_queries(0):
        assert client.get("/untouched", headers={"Authorization": alice}).status_code == 200


def test_a_rule_that_cannot_be_imported_is_told(client, rule, alice):
    rule("absent")
    with pytest.raises(Exception, match="cannot be imported"):
        client.get("/function", headers={"Authorization": alice})
