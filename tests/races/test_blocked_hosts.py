"""An operator blocks the host of a client while it refreshes, and while somebody allows it: nothing that it holds is worth anything afterwards."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.storage.document_hosts import forget_verdicts, keep_verdict
from django_oauth_server.storage.transaction import retry_conflicts
from tests.clients.directory import described
from tests.factories import UserFactory
from tests.flow import answered
from tests.races.doors import Threads, at_once, walk
from tests.races.test_revocation import ROUNDS, all_dead, in_a_moment, race


@pytest.fixture(autouse=True)
def _judged(settings: Any, _unlimited: None) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": ["tests.clients.directory.Judged"]}


def block() -> DocumentHost:
    host = DocumentHost(issuer="https://as.example", host="apps.example", verdict="blocked")
    retry_conflicts(partial(keep_verdict, host.verdict, [host], timezone.now()))
    return host


def test_a_host_that_is_blocked_while_a_client_refreshes(person: Any) -> None:
    door = Threads()
    for number in range(ROUNDS):
        flow = walk(door, described(f"almanac-{number}"), person)
        values = race(door, flow, lambda _: block())
        assert all_dead(door, flow, values)
        forget_verdicts([DocumentHost.objects.get()], timezone.now())
        assert all_dead(door, flow, values)  # what was blocked stays ended


def test_a_host_that_is_blocked_while_somebody_allows_a_client(person: Any) -> None:
    """Whoever was faster: a code that came out of it buys nothing."""
    door = Threads()
    for number in range(ROUNDS):
        windows = [walk(door, described(f"yearbook-{number}"), one) for one in (person, UserFactory())]
        pages = [one.authorize() for one in windows]
        allow = [partial(one.decide, page) for one, page in zip(windows, pages, strict=True)]
        *responses, _ = at_once(*allow, partial(in_a_moment, block))
        for flow, response in zip(windows, responses, strict=True):
            if response.status_code == 303:
                assert flow.exchange(answered(response)["code"]).json()["error"] == "invalid_client"
        forget_verdicts([DocumentHost.objects.get()], timezone.now())
