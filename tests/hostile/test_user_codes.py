"""How many guesses of user codes an hour get through, with the limits as they are (RFC 8628 section 5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from django_oauth_server.protocol.user_code import ALPHABET, LENGTH
from django_oauth_server.storage import failures
from tests.device.walk import PAGE
from tests.factories import UserFactory
from tests.hostile.junk import FORM

pytestmark = [pytest.mark.django_db, pytest.mark.spec("RFC 8628", "5.1")]
BY_ACCOUNT, BY_ADDRESS = 10, 60


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    failures.forget()
    cache.clear()
    monkeypatch.setattr(failures.Limit, "_window", lambda limit, now: 0)  # all of it within one hour
    yield
    failures.forget()
    cache.clear()


@pytest.fixture
def guess(client: Any) -> Any:
    def guess(address: str) -> bool:
        """Whether a wrong code was looked at."""
        answer = client.post(PAGE, "user_code=BCDF-GHJK", content_type=FORM, REMOTE_ADDR=address)
        assert answer.status_code in {200, 429}
        return answer.status_code == 200

    return guess


def test_an_account_gets_ten_in_all_its_sessions_and_from_all_addresses(client: Any, guess: Any) -> None:
    user, looked_at = UserFactory(), 0
    for session in range(30):
        client.force_login(user)
        looked_at += sum(guess(f"192.0.2.{session}") for _ in range(3))
        client.logout()
    assert looked_at == BY_ACCOUNT


def test_an_address_gets_sixty_with_all_its_accounts(client: Any, guess: Any) -> None:
    looked_at = 0
    for _ in range(30):
        client.force_login(UserFactory())
        looked_at += sum(guess("192.0.2.1") for _ in range(5))
    assert looked_at == BY_ADDRESS


@pytest.mark.parametrize(("waiting", "hours"), [(1, 426_000_000), (1_000, 426_000)])
def test_a_code_is_found_in_so_many_hours_of_guessing_from_one_address(waiting: int, hours: int) -> None:
    """With as many codes *waiting* all the time."""
    assert len(ALPHABET) ** LENGTH / waiting / BY_ADDRESS > hours


def test_a_stranger_gets_none(client: Any) -> None:
    answer = client.post(PAGE, "user_code=BCDF-GHJK", content_type=FORM)
    assert answer["Location"].startswith("/accounts/login/")
