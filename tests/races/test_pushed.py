"""Two answers to one request that was pushed (RFC 9126 section 4): one wins, and nothing of the other is left."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.http import HttpResponse

from django_oauth_server.models import Authorization, Ticket
from django_oauth_server.models.pushed_request import PushedRequest
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import AUTHORIZE, answered
from tests.pushed.conftest import Pushing
from tests.races.doors import Door, Threads, at_once

pytestmark = pytest.mark.spec("RFC 9126", "4")


def walk(door: Door, client: Any, user: Any) -> Pushing:
    flow = Pushing(client, door.browser(user))
    flow.server = door.browser()
    return flow


def sent_back(responses: list[HttpResponse]) -> list[dict[str, str]]:
    """What the client was told; the others were told to begin again at the app."""
    assert {one.status_code for one in responses} <= {303, 400}
    return [answered(one) for one in responses if one.status_code == 303]


def codes() -> int:
    return Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE).count()


@pytest.mark.parametrize("several", [False, True], ids=["one person", "ten people"])
def test_ten_pages_that_are_answered_at_once_get_one_code(door: Door, person: Any, several: bool) -> None:
    client = ClientFactory()
    flows = [walk(door, client, UserFactory() if several else person) for _ in range(10)]
    reference = flows[0].reference()
    pages = [one.go(reference) for one in flows]
    told = sent_back(at_once(*[partial(one.decide, page) for one, page in zip(flows, pages, strict=True)]))
    assert len(told) == 1
    assert (codes(), Authorization.objects.count(), PushedRequest.objects.count()) == (1, 1, 0)
    assert flows[0].exchange(told[0]["code"]).status_code == 200


def test_allowing_and_denying_at_once_is_one_of_them(door: Door, person: Any) -> None:
    client = ClientFactory()
    flows = [walk(door, client, person) for _ in range(6)]
    reference = flows[0].reference()
    pages = [one.go(reference) for one in flows]
    decisions = ["allow", "deny"] * 3
    works = [partial(one.decide, page, said) for one, page, said in zip(flows, pages, decisions, strict=True)]
    (told,) = sent_back(at_once(*works))
    allowed = "code" in told
    assert codes() == allowed
    assert Authorization.objects.exists() is allowed


def test_ten_windows_that_nobody_has_to_be_asked_in_get_one_code(door: Door, person: Any) -> None:
    client = ClientFactory()
    AuthorizationFactory(client=client, user=person)
    flows = [walk(door, client, person) for _ in range(10)]
    query = {"client_id": client.client_id, "request_uri": flows[0].reference()}
    told = sent_back(at_once(*[partial(one.browser.get, AUTHORIZE, query) for one in flows]))
    assert len(told) == 1
    assert codes() == 1


def test_one_client_that_pushes_from_everywhere_while_room_is_made(person: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pushed_requests": {"most_of_one_client": 5}}
    door, client = Threads(), ClientFactory()
    flows = [walk(door, client, person) for _ in range(20)]
    assert {one.status_code for one in at_once(*[one.push for one in flows])} == {201}
    flows[0].push()
    assert PushedRequest.objects.count() == 5
