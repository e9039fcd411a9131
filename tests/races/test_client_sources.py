"""A client without a row, to which several refer for the first time at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from django_oauth_server.models import Authorization, Client
from django_oauth_server.storage.transaction import retry_conflicts
from tests.clients.directory import described
from tests.factories import UserFactory
from tests.flow import answered
from tests.races.doors import Door, at_once, walk


@pytest.fixture(autouse=True)
def directory(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": ["tests.clients.directory.Directory"]}


def test_ten_people_who_allow_it_at_once_make_one_row(door: Door) -> None:
    windows = [walk(door, described("almanac"), UserFactory()) for _ in range(10)]
    pages = at_once(*[one.authorize for one in windows])
    assert {one.status_code for one in pages} == {200}
    assert not Client.objects.exists()
    answers = at_once(*[partial(one.decide, page) for one, page in zip(windows, pages, strict=True)])
    assert all("code" in answered(one) for one in answers)
    assert set(Authorization.objects.values_list("client", flat=True)) == {Client.objects.get().pk}


def test_one_person_in_ten_windows_allows_once(door: Door) -> None:
    person = UserFactory()
    windows = [walk(door, described("yearbook"), person) for _ in range(10)]
    codes = at_once(*[one.code for one in windows])
    responses = at_once(*[partial(one.exchange, code) for one, code in zip(windows, codes, strict=True)])
    assert {one.status_code for one in responses} == {200}
    assert (Client.objects.count(), Authorization.objects.filter(is_live=True).count()) == (1, 1)


def _delete_all() -> None:
    retry_conflicts(lambda: Client.objects.all().delete())


def test_a_row_that_goes_meanwhile_is_made_again_or_the_answer_is_none(door: Door) -> None:
    """Nobody is answered with an error of this server."""
    windows = [walk(door, described("journal"), UserFactory()) for _ in range(6)]
    pages = [one.authorize() for one in windows]
    works = [partial(one.decide, page) for one, page in zip(windows, pages, strict=True)]
    responses = at_once(*works, _delete_all)
    assert {one.status_code for one in responses[:-1]} <= {303, 400}
    assert Client.objects.count() <= 1
