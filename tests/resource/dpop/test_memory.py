"""Beside the authorization server the database remembers proofs: one statement, undone with the request that presented it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage import proofs
from django_oauth_server.storage.proofs import DatabaseMemory
from django_oauth_server.testing.clients import Client
from django_oauth_server.testing.proofs import DPoPKey
from django_oauth_server.testing.tokens import issue_token
from tests.resource.bindings.seal import MECHANISMS
from tests.resource.dpop.conftest import API, Ask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def database(declare: Any) -> None:
    declare(cache="")


@pytest.mark.parametrize("path", MECHANISMS)
def test_a_proof_is_accepted_once(ask: Ask, key: DPoPKey, token: str, path: str) -> None:
    proof = key.proof("GET", API + path, token)
    assert [ask(path, token, proof).status_code for _ in range(2)] == [200, 401]
    assert UsedAssertion.objects.count() == 1


def test_it_costs_one_statement(ask: Ask, key: DPoPKey, token: str) -> None:
    proof = key.proof("GET", f"{API}/function", token)
    with CaptureQueriesContext(connection) as asked:
        assert ask("/function", token, proof).status_code == 200
    assert [one["sql"].split()[0] for one in asked] == ["INSERT"]


def test_in_a_project_without_time_zones(ask: Ask, key: DPoPKey, token: str, settings: Any) -> None:
    settings.USE_TZ = False
    assert ask("/function", token, key.proof("GET", f"{API}/function", token)).status_code == 200


def test_a_shared_cache_costs_none(ask: Ask, declare: Any, key: DPoPKey, token: str) -> None:
    declare(cache="default")
    with CaptureQueriesContext(connection) as asked:
        assert ask("/function", token, key.proof("GET", f"{API}/function", token)).status_code == 200
    assert len(asked) == 0


def test_what_is_refused_costs_none(ask: Ask, key: DPoPKey, token: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert ask("/function", token, key.proof("POST", f"{API}/function", token)).status_code == 401
    assert len(asked) == 0


def test_a_replay_breaks_no_transaction_of_the_caller() -> None:
    memory, until = DatabaseMemory(), time.time() + 60
    assert memory.note("a", until=until)
    with transaction.atomic():
        assert not memory.note("a", until=until)
        assert memory.note("b", until=until)
    assert UsedAssertion.objects.count() == 2


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_database_that_does_not_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch, in_transaction: bool) -> None:
    def away(*args: object, **kwargs: object) -> bool:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(proofs, "spend", away)
    with pytest.raises(CannotVerify):
        if in_transaction:
            with transaction.atomic():
                DatabaseMemory().note("a", until=time.time())
        else:
            DatabaseMemory().note("a", until=time.time())


def test_what_is_remembered_is_swept_with_the_rest(ask: Ask, key: DPoPKey, token: str) -> None:
    ask("/function", token, key.proof("GET", f"{API}/function", token))
    row = UsedAssertion.objects.get()
    assert timezone.now() < row.expires_at


@pytest.mark.spec("RFC 9449", "7.1")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
@pytest.mark.parametrize("path", ["/function", "/async-function", "/rest", "/ninja/sync"])
def test_a_token_of_this_projects_own_server(settings: Any, ask: Ask, key: DPoPKey, format: Any, path: str) -> None:
    settings.OAUTH_RESOURCE_SERVER = {}
    token = issue_token(scopes="notes:read", format=format, key=key)
    assert Client().with_token(token, key=key).get("/function").status_code == 200
    assert ask(path, token, key.proof("GET", f"https://as.example{path}", token)).status_code == 200
    assert ask(path, token, scheme="Bearer").status_code == 401
    assert ask(path, token, DPoPKey().proof("GET", f"https://as.example{path}", token)).status_code == 401


def test_in_a_request_that_is_one_transaction(
    ask: Ask, key: DPoPKey, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view's refusal of a replay breaks nothing, and what a request that failed had noted is undone with all else that it wrote."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    for path in ("/function", "/rest", "/ninja/sync"):
        proof = key.proof("GET", API + path, token)
        assert [ask(path, token, proof).status_code for _ in range(2)] == [200, 401]
