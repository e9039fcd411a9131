"""Races for one assertion of an issuer elsewhere, for the record of what it allowed, and for the account with one email address."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from django_oauth_server.conf import People
from django_oauth_server.models import Authorization
from django_oauth_server.models.linked_identity import LinkedIdentity
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.storage.linked_identities import unlink
from django_oauth_server.storage.transaction import retry_conflicts
from tests.factories import UserFactory
from tests.races.doors import Threads, at_once, walk
from tests.races.test_exchange import forbid
from tests.races.test_revocation import ROUNDS, in_a_moment, opens
from tests.races.test_tokens import outcomes
from tests.trusted_issuers.idp import JWT_BEARER, agent, assertion, linked, trusted, trusting

PEOPLE = People(scopes=("notes:read",), by_email=True)
VERIFIED = {"email": "alice@example.com", "email_verified": True}


@pytest.fixture(autouse=True)
def _trust(settings: Any, _unlimited: None) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting(trusted(people=PEOPLE))


def presented(*assertions: str) -> list[Any]:
    """What each is answered, all of them at once."""
    door, app = Threads(), agent()
    asked = {"grant_type": JWT_BEARER, "scope": "notes:read"}
    return at_once(*[partial(walk(door, app).token, **asked, assertion=one) for one in assertions])


@pytest.mark.spec("RFC 7523", "3")
def test_an_assertion_that_is_presented_twenty_times_at_once_is_accepted_once() -> None:
    linked(UserFactory())
    assert outcomes(presented(*[assertion()] * 20)) == {"200": 1, "invalid_grant": 19}
    assert UsedAssertion.objects.count() == 1


def test_twenty_assertions_at_once_leave_one_record() -> None:
    linked(UserFactory())
    assert outcomes(presented(*[assertion() for _ in range(20)])) == {"200": 20}
    assert Authorization.objects.get(is_live=True).scope == "notes:read"


def test_of_ten_subjects_with_one_address_one_is_given_the_account() -> None:
    UserFactory(email=VERIFIED["email"])
    responses = presented(*[assertion(sub=f"sub-{number}", **VERIFIED) for number in range(10)])
    assert outcomes(responses) == {"200": 1, "invalid_grant": 9}
    assert LinkedIdentity.objects.count() == 1


def test_what_is_allowed_while_a_link_is_removed_ends_with_it(user: Any) -> None:
    for number in range(ROUNDS):
        linked(user, f"sub-{number}")
        door, app = Threads(), agent()
        asked = {"grant_type": JWT_BEARER, "scope": "notes:read"}
        present = [partial(walk(door, app).token, **asked, assertion=assertion(sub=f"sub-{number}")) for _ in range(4)]
        at_once(*present, partial(in_a_moment, remove_links))
        assert not Authorization.objects.filter(is_live=True).exists()


def test_what_is_allowed_while_the_person_is_disabled_opens_nothing(settings: Any) -> None:
    """The first assertion for each of five apps, which brings a JWT."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}
    for number in range(ROUNDS):
        person = linked(UserFactory(), f"sub-{number}")
        present = [partial(first_token, f"sub-{number}") for _ in range(5)]
        *tokens, _ = at_once(*present, partial(in_a_moment, partial(forbid, person)))
        assert not [token for token in tokens if token and opens(token)]


def first_token(sub: str) -> str:
    """What a new app is given; empty where that is refused."""
    asked = {"grant_type": JWT_BEARER, "scope": "notes:read", "assertion": assertion(sub=sub)}
    return str(walk(Threads(), agent()).token(**asked).json().get("access_token", ""))


def remove_links() -> int:
    return retry_conflicts(lambda: unlink(LinkedIdentity.objects.all(), timezone.now()))
