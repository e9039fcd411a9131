"""What is done anew, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError, ProgrammingError, transaction
from django.test import Client as Browser

from django_oauth_server.endpoints import token as token_endpoint
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.storage import transaction as conflicts
from django_oauth_server.storage.transaction import ATTEMPTS, Conflict, once, retry_conflicts
from tests.assertions import assertion, key_client, proof
from tests.factories import ClientFactory
from tests.flow import Flow


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "sleep", lambda seconds: None)


class Work:
    """Raises *exc* so often, and then has an answer."""

    def __init__(self, exc: Exception, *, times: int = 1) -> None:
        self.exc, self.times, self.attempts = exc, times, 0

    def __call__(self) -> str:
        self.attempts += 1
        if self.attempts <= self.times:
            raise self.exc
        return "done"


def of_driver(*, kind: type[Exception] = OperationalError, **attributes: Any) -> Exception:
    """What Django raises from a driver's error that carries *attributes*."""
    cause = Exception()
    vars(cause).update(attributes)
    exc = kind("words that may be of any language")
    exc.__cause__ = cause
    return exc


CONFLICTS = [
    Conflict(),
    IntegrityError("what was read has gone"),
    of_driver(sqlstate="40001"),
    of_driver(sqlstate="40P01"),
    of_driver(pgcode="40001"),
    of_driver(sqlstate="55P03"),
    of_driver(sqlite_errorcode=5),
    of_driver(sqlite_errorcode=517),
    OperationalError(1205, "Lock wait timeout exceeded; try restarting transaction"),
    OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction"),
    OperationalError(1020, "Record has changed since last read in table"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exc", CONFLICTS)
def test_a_conflict_is_tried_again(exc: Exception) -> None:
    work = Work(exc, times=ATTEMPTS - 1)
    assert retry_conflicts(work) == "done"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exc", CONFLICTS)
def test_attempts_are_bounded(exc: Exception) -> None:
    work = Work(exc, times=ATTEMPTS)
    with pytest.raises(TemporarilyUnavailable):
        retry_conflicts(work)
    assert work.attempts == ATTEMPTS


@pytest.mark.django_db(transaction=True)
def test_so_is_the_time_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(Conflict(), times=ATTEMPTS)
    monkeypatch.setattr(conflicts, "PATIENCE", -1.0)
    with pytest.raises(TemporarilyUnavailable):
        retry_conflicts(work)
    assert work.attempts == 1


OUTAGES = [
    OperationalError("connection failed"),
    InterfaceError("connection already closed"),
    of_driver(sqlstate="53300"),
    of_driver(sqlstate="57014"),
    of_driver(sqlstate="57P01"),
    of_driver(sqlstate="08006"),
    of_driver(sqlstate="25006", kind=InternalError),
    of_driver(sqlite_errorcode=14),
    OperationalError(2006, "Server has gone away"),
    OperationalError(1047, "WSREP has not yet prepared node for application use"),
    OperationalError(
        1180,
        "Error while appending streaming replication fragment(provider status: Not connected to Primary Component)",
    ),
    OperationalError(1290, "The MariaDB server is running with the --read-only option"),
    OperationalError(1969, "Query execution was interrupted (max_statement_time exceeded)"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exc", OUTAGES)
def test_an_outage_is_told_at_once(exc: Exception) -> None:
    work = Work(exc)
    with pytest.raises(TemporarilyUnavailable) as told:
        retry_conflicts(work)
    assert work.attempts == 1, "what may have been committed is not done again"
    assert str(exc) in told.value.detail
    assert str(exc) not in told.value.description


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "exc",
    [
        of_driver(sqlite_errorcode=1),
        OperationalError(1054, "Unknown column"),
        of_driver(sqlstate="42P01", kind=ProgrammingError),
        ValueError(),
    ],
)
def test_a_mistake_is_raised_as_it_is(exc: Exception) -> None:
    work = Work(exc)
    with pytest.raises(type(exc)):
        retry_conflicts(work)
    assert work.attempts == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_the_refusal_is_its_owners() -> None:
    work = Work(of_driver(sqlstate="40001"))
    with pytest.raises(OperationalError), transaction.atomic():
        retry_conflicts(work)
    assert work.attempts == 1


def always(exc: Exception) -> Callable[..., Any]:
    def refuse(*args: object, **kwargs: object) -> None:
        raise exc

    return refuse


@pytest.mark.django_db(transaction=True)
@pytest.mark.spec("RFC 6749", "5.2")
def test_a_client_is_told_when_the_server_is_too_busy(monkeypatch: pytest.MonkeyPatch, browser: Any) -> None:
    flow = Flow(ClientFactory(), browser)
    code = flow.code()
    monkeypatch.setattr("django_oauth_server.tokens.issue.store", always(Conflict()))
    response = flow.exchange(code)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert response["Retry-After"] == "1"
    monkeypatch.undo()
    assert flow.exchange(code).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_and_when_a_replayed_code_could_not_take_back_what_it_bought(
    monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    flow = Flow(ClientFactory(), browser)
    code = flow.code()
    bought = flow.exchange(code).json()
    monkeypatch.setattr("django_oauth_server.grants.authorization_code.revoke_family", always(Conflict()))
    assert flow.exchange(code).status_code == 503
    monkeypatch.undo()
    assert flow.exchange(code).status_code == 400
    assert not flow.is_active(bought["access_token"])


@pytest.mark.django_db(transaction=True)
def test_a_person_is_told_when_the_server_is_too_busy(monkeypatch: pytest.MonkeyPatch, browser: Any) -> None:
    monkeypatch.setattr("django_oauth_server.endpoints.connected_apps.live_authorizations", always(Conflict()))
    assert browser.get("/oauth/connected-apps/").status_code == 503


@pytest.mark.django_db(transaction=True)
def test_what_is_done_once_is_not_done_anew():
    done = []

    def work() -> bool:
        first = once("it", lambda: not done.append(1))
        if len(seen) < 3:
            seen.append(first)
            raise Conflict
        return first

    seen: list[bool] = []
    assert retry_conflicts(work) is True
    assert (seen, done) == ([True] * 3, [1])
    assert retry_conflicts(lambda: once("it", lambda: not done.append(2))) is True
    assert done == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_what_failed_was_not_done():
    attempt = Work(OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction"))
    assert retry_conflicts(lambda: once("it", lambda: attempt() == "done")) is True
    assert attempt.attempts == 2


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_done_anew_may_present_its_assertion_again(monkeypatch: pytest.MonkeyPatch):
    client = key_client()
    real, conflict = token_endpoint.issue, Work(Conflict(), times=3)
    monkeypatch.setattr(token_endpoint, "issue", lambda *args, **kwargs: conflict() and real(*args, **kwargs))
    asked = {"grant_type": "client_credentials", "scope": "notes:read", **proof(assertion(client))}
    flow = Flow(client, Browser())
    assert flow.token(authorization=None, **asked).status_code == 200
    assert flow.token(authorization=None, **asked).status_code == 401
