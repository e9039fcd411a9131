"""Races for a device's codes (RFC 8628): many polls, and people who decide meanwhile."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from django_oauth_server.authorization.channels.device import find_request
from django_oauth_server.models import Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.storage import failures
from tests.device.walk import Device, television
from tests.factories import UserFactory
from tests.races.doors import Door, Threads, at_once
from tests.races.test_tokens import outcomes

WAITING = {"authorization_pending", "slow_down"}


def device(door: Door, client: Any = None, person: Any = None) -> Device:
    """A device, and a browser of *person*, with connections that no other has."""
    made = Device(client or television(), door.browser(person))
    made.server = door.browser()
    return made


def answers(responses: list[Any]) -> Counter[str]:
    """How people were answered: the status, and for a page its heading."""
    assert {one.status_code for one in responses} <= {200, 400}, [one.status_code for one in responses]
    return Counter(one.content.decode().partition("<h1>")[2].partition("</h1>")[0].strip() for one in responses)


@pytest.mark.spec("RFC 8628", "3.5 a")
@pytest.mark.spec("RFC 8628", "3.5 b")
def test_fifty_devices_that_poll_at_once_all_wait_and_nobody_else_slows_them_down(door: Door) -> None:
    client = television()
    polling = [(device(door, client), device(door, client).codes()["device_code"]) for _ in range(50)]
    polls = [partial(one.poll, device_code) for one, device_code in polling]
    assert outcomes(at_once(*polls)) == {"authorization_pending": 50}
    assert outcomes(at_once(*polls)) == {"slow_down": 50}
    assert set(DeviceRequest.objects.values_list("interval", flat=True)) == {10}


@pytest.mark.spec("RFC 8628", "3.5 b")
def test_each_poll_that_comes_too_early_adds_five_seconds_whichever_process_it_reaches(door: Door) -> None:
    one = device(door)
    device_code = one.codes()["device_code"]
    responses = at_once(*[partial(device(door, one.client).poll, device_code) for _ in range(20)])
    assert outcomes(responses) == {"authorization_pending": 1, "slow_down": 19}
    assert DeviceRequest.objects.get().interval == 5 + 19 * 5


@pytest.mark.spec("RFC 8628", "3.5 e")
def test_fifty_polls_at_once_redeem_what_was_allowed_once(door: Door, person: Any) -> None:
    one = device(door, person=person)
    codes = one.codes()
    one.allow(codes["user_code"])
    responses = at_once(*[partial(device(door, one.client).poll, codes["device_code"]) for _ in range(50)])
    assert outcomes(responses) == {"200": 1, "invalid_grant": 49}
    assert Counter(Token.objects.values_list("kind", flat=True)) == {"access": 1, "refresh": 1}


def test_polls_while_somebody_allows_it_redeem_it_once(door: Door, person: Any) -> None:
    one = device(door, person=person)
    codes = one.codes()
    page = one.confirm(codes["user_code"])
    polls = [partial(device(door, one.client).poll, codes["device_code"]) for _ in range(20)]
    answered, *polled = at_once(partial(one.decide, page), *polls)
    assert answers([answered]) == {"Go back to your device": 1}
    assert set(outcomes(polled)) <= {"200", "invalid_grant", *WAITING}
    last = one.poll(codes["device_code"])
    assert outcomes([*polled, last])["200"] == 1
    assert Counter(Token.objects.values_list("kind", flat=True)) == {"access": 1, "refresh": 1}


@pytest.mark.parametrize("several", [False, True], ids=["one person", "two people"])
def test_of_an_answer_that_allows_and_one_that_denies_the_first_counts(door: Door, person: Any, several: bool) -> None:
    """In two tabs, or at two browsers."""
    one = device(door, person=person)
    other = device(door, one.client, UserFactory() if several else person)
    codes = one.codes()
    allow, deny = one.confirm(codes["user_code"]), other.confirm(codes["user_code"])
    polls = [partial(device(door, one.client).poll, codes["device_code"]) for _ in range(10)]
    answered = at_once(partial(one.decide, allow), partial(other.decide, deny, "deny"), *polls)
    told, polled = answers(answered[:2]), [*answered[2:], one.poll(codes["device_code"])]
    row = DeviceRequest.objects.get()
    if row.authorization is None:
        assert set(outcomes(polled)) <= {"access_denied", *WAITING}
        assert (told["Access denied"], Token.objects.count()) == (2, 0)
    else:
        assert outcomes(polled)["200"] == 1
        assert told == (
            {"Go back to your device": 1, "Connect a device": 1} if several else {"Go back to your device": 2}
        )


def test_two_people_who_allow_it_at_once_give_it_one_of_their_accounts(door: Door, person: Any) -> None:
    one, other = device(door, person=person), device(door, person=UserFactory())
    other.client = one.client
    codes = one.codes()
    pages = [(who, who.confirm(codes["user_code"])) for who in (one, other)]
    responses = at_once(*[partial(who.decide, page) for who, page in pages])
    assert answers(responses) == {"Go back to your device": 1, "Connect a device": 1}
    assert outcomes([one.poll(codes["device_code"])]) == {"200": 1}
    assert Token.objects.values("authorization__user").distinct().count() == 1


def test_what_expires_while_it_is_answered_and_polled_for_is_allowed_or_not_and_never_both(
    door: Door, person: Any
) -> None:
    one = device(door, person=person)
    codes = one.codes()
    page = one.confirm(codes["user_code"])
    DeviceRequest.objects.update(expires_at=timezone.now() + timedelta(milliseconds=150))
    polls = [partial(device(door, one.client).poll, codes["device_code"]) for _ in range(20)]
    answered, *polled = at_once(partial(one.decide, page), *polls)
    assert answers([answered]).keys() <= {"Go back to your device", "Connect a device"}
    assert set(outcomes(polled)) <= {"200", "invalid_grant", "expired_token", *WAITING}
    assert outcomes(polled)["200"] <= 1
    if outcomes(polled)["200"]:
        assert DeviceRequest.objects.get().authorization is not None


@pytest.mark.spec("RFC 8628", "5.1")
def test_guesses_that_come_at_once_are_counted_before_they_are_looked_at(
    person: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OAUTH_SERVER = {name: said for name, said in settings.OAUTH_SERVER.items() if name != "throttles"}
    failures.forget()
    cache.clear()
    looked_at: list[str] = []

    def find(typed: str, issuer: Any) -> Any:
        looked_at.append(typed)
        return find_request(typed, issuer)

    monkeypatch.setattr("django_oauth_server.endpoints.device.find_request", find)
    door, client = Threads(), television()
    browsers = [device(door, client, person) for _ in range(40)]
    responses = at_once(*[partial(one.type, "BCDF-GHJK") for one in browsers])
    assert Counter(one.status_code for one in responses) == {200: 10, 429: 30}
    assert len(looked_at) == 10
