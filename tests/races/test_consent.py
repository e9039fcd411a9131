"""Two answers of one person at once."""

from __future__ import annotations

from functools import partial
from typing import Any

from django_oauth_server.models import Authorization
from tests.factories import ClientFactory
from tests.flow import answered
from tests.races.doors import Door, at_once, walk


def test_a_button_that_is_pressed_twice_leaves_one_authorization(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(), person)
    page = flow.authorize()
    responses = at_once(*[partial(flow.decide, page)] * 2)
    codes = [answered(one)["code"] for one in responses]
    assert Authorization.objects.filter(is_live=True).count() == 1
    assert [flow.exchange(code).status_code for code in codes] == [200, 200]


def test_ten_windows_that_allow_at_once_leave_one_authorization(door: Door, person: Any) -> None:
    client = ClientFactory()
    windows = [walk(door, client, person) for _ in range(10)]
    pages = [one.authorize() for one in windows]
    responses = at_once(*[partial(one.decide, page) for one, page in zip(windows, pages, strict=True)])
    assert all("code" in answered(one) for one in responses)
    assert Authorization.objects.count() == 1


def test_windows_that_allow_different_things_at_once_lose_nothing(door: Door, person: Any) -> None:
    client = ClientFactory()
    walk(door, client, person).code(scope="email")
    asked = [
        {"scope": "notes:read"},
        {"scope": "notes:write"},
        {"scope": "email", "resource": "https://api.example/notes"},
        {"scope": "email", "resource": "https://api.example/mail"},
    ]
    windows = [walk(door, client, person) for _ in asked]
    pages = [one.authorize(**params) for one, params in zip(windows, asked, strict=True)]
    at_once(*[partial(one.decide, page) for one, page in zip(windows, pages, strict=True)])
    authorization = Authorization.objects.get()
    assert authorization.scopes == {"email", "notes:read", "notes:write"}
    assert {"https://api.example/mail", "https://api.example/notes"} <= set(authorization.resources)
