"""A clock that stands until it is moved, and as many processes as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from django_oauth_server.conf.loader import load
from django_oauth_server.issuer import Issuer, make_issuer
from django_oauth_server.keys import database, signing

Process = Callable[..., Issuer]


class Clock:
    """The time of the wall and of the stopwatch."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def advance(self, by: timedelta) -> None:
        self.now += by

    def monotonic(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    monkeypatch.setattr(database, "monotonic", clock.monotonic)
    return clock


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    signing.forget()
    yield
    signing.forget()


@pytest.fixture
def process() -> Process:
    """The issuer as a new process is handed it: what is remembered of keys hangs on it, so no two share anything but the database.

    It has one line of keys, which are published for an hour and sign nothing that lives longer than access tokens, unless a test says otherwise.
    """
    simple = {
        "signing_algs": (),
        "key_publication_lead": timedelta(hours=1),
        "id_token_lifetime": timedelta(minutes=15),
    }

    def start(**settings: object) -> Issuer:
        return make_issuer(replace(load()[0], **(simple | settings)), [], "oauth_server")

    return start
