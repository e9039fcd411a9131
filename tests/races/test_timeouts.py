"""What PostgreSQL says when a lock or an answer takes too long."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.test import Client as Browser

from django_oauth_server.models import Token
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _postgresql(_shared_database: None) -> Iterator[None]:
    if connection.vendor != "postgresql":
        pytest.skip("lock_timeout and statement_timeout are PostgreSQL's")
    yield
    limit(lock_timeout="0", statement_timeout="0")


def limit(**settings: str) -> None:
    """Of this thread's connection, in which Django's test client is served."""
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])


def bought(browser: Any) -> tuple[Flow, str]:
    flow = Flow(ClientFactory(), browser)
    return flow, flow.tokens()["access_token"]


def test_a_lock_that_was_waited_for_in_vain_is_a_conflict_and_tried_again(browser: Browser) -> None:
    flow, token = bought(browser)
    held, seen_waiting = Event(), Event()

    def another_writer() -> None:
        try:
            with transaction.atomic():
                Token.objects.update(expires_at=F("expires_at"))
                held.set()
                seen_waiting.wait(PATIENCE)
        finally:
            connections.close_all()

    def count(execute: Any, sql: str, *more: Any) -> Any:
        try:
            return execute(sql, *more)
        except Exception:
            seen_waiting.set()
            raise

    writer = Thread(target=another_writer)
    writer.start()
    held.wait(PATIENCE)
    limit(lock_timeout="100ms")
    with connection.execute_wrapper(count):
        response = flow.revoke(token)
    writer.join()
    assert seen_waiting.is_set(), "the lock was in the way"
    assert response.status_code == 200, response.content
    assert not flow.is_active(token)


@pytest.mark.parametrize("path", ["/oauth/health", "/oauth/jwks"])
def test_a_statement_that_takes_too_long_is_an_outage(path: str) -> None:
    limit(statement_timeout="50ms")

    def slowly(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute("SELECT pg_sleep(1)", None, many, context)

    with connection.execute_wrapper(slowly):
        response = Browser(raise_request_exception=False).get(path)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in response
