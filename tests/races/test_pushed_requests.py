"""Races for a reference to a pushed request (RFC 9126): it is good for one answer."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from django_oauth_server.models import Authorization, Ticket
from django_oauth_server.models.pushed_request import PushedRequest
from tests.factories import ClientFactory, UserFactory
from tests.flow import answered
from tests.pushed.conftest import Pushing
from tests.races.doors import Door, at_once


def pushing(door: Door, client: Any, person: Any) -> Pushing:
    made = Pushing(client, door.browser(person))
    made.server = door.browser()
    return made


def codes(responses: list[Any]) -> Counter[str]:
    """How often the client got a code; others were shown a page."""
    assert {one.status_code for one in responses} <= {303, 400}, [one.status_code for one in responses]
    return Counter("code" if one.status_code == 303 and "code" in answered(one) else "page" for one in responses)


def issued() -> int:
    return Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE).count()


@pytest.mark.spec("RFC 9126", "4 c")
@pytest.mark.parametrize("several", [False, True], ids=["one person", "several people"])
def test_of_ten_answers_to_one_reference_one_is_given(door: Door, person: Any, several: bool) -> None:
    client = ClientFactory()
    reference = pushing(door, client, person).reference()
    people = [pushing(door, client, UserFactory() if several else person) for _ in range(10)]
    pages = [(who, who.go(reference)) for who in people]
    responses = at_once(*[partial(who.decide, page) for who, page in pages])
    assert codes(responses) == {"code": 1, "page": 9}
    assert (issued(), PushedRequest.objects.count()) == (1, 0)
    assert Authorization.objects.count() == 1, "what was not answered is not allowed either"


@pytest.mark.spec("RFC 9126", "4 c")
def test_where_nothing_has_to_be_asked_one_of_ten_visits_is_answered(door: Door, person: Any) -> None:
    client = ClientFactory()
    first = pushing(door, client, person)
    first.done(first.reference())
    reference = first.reference()
    visits = [pushing(door, client, person) for _ in range(10)]
    responses = at_once(*[partial(who.go, reference) for who in visits])
    assert codes(responses) == {"code": 1, "page": 9}
    assert issued() == 2


def test_allowing_and_denying_at_once_is_one_answer(door: Door, person: Any) -> None:
    client = ClientFactory()
    first, second = pushing(door, client, person), pushing(door, client, person)
    reference = first.reference()
    allow, deny = first.go(reference), second.go(reference)
    responses = at_once(partial(first.decide, allow), partial(second.decide, deny, "deny"))
    sent = [answered(one) for one in responses if one.status_code == 303]
    assert len(sent) == 1, [one.status_code for one in responses]
    assert issued() == ("code" in sent[0])
    assert PushedRequest.objects.count() == 0


def test_fifty_requests_that_are_pushed_at_once_have_each_a_reference(door: Door, person: Any) -> None:
    client = ClientFactory()
    responses = at_once(*[pushing(door, client, person).push for _ in range(50)])
    assert Counter(one.status_code for one in responses) == {201: 50}
    assert len({one.json()["request_uri"] for one in responses}) == 50
