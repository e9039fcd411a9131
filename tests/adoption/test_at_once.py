"""Several who present the same token at once, while a run adopts it as well."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.pkce import challenge_of
from django_oauth_server.verifier import LocalVerifier
from tests.adoption.toolkit import SECRET, Toolkit, adopt
from tests.factories import UserFactory
from tests.flow import VERIFIER, Flow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite in memory has one connection"),
]


@pytest.fixture(autouse=True)
def _adopting(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "adoption": {"source": "oauth_toolkit"}}


def at_once(*works: Callable[[], object]) -> list[object]:
    results: list[object] = [None] * len(works)
    barrier = Barrier(len(works))

    def run(number: int) -> None:
        try:
            barrier.wait()
            results[number] = works[number]()
        except Exception as exc:
            results[number] = exc
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_token_is_stored_once(toolkit: Toolkit):
    user, application = UserFactory(), toolkit.application()
    adopt("--apply")
    for _ in range(4):
        access, _refresh = toolkit.pair(application, user)
        results = at_once(
            *[lambda value=access: LocalVerifier().verify(value) for _ in range(6)], lambda: adopt("--apply")
        )
        assert [one for one in results if isinstance(one, Exception)] == []
        assert Token.objects.filter(digest=digest(access)).count() == 1
    assert Authorization.objects.count() == 1


def test_a_token_of_an_app_itself_is_stored_once(toolkit: Toolkit):
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    adopt("--apply")
    for _ in range(4):
        access = toolkit.access_token(application)
        results = at_once(
            *[lambda value=access: LocalVerifier().verify(value) for _ in range(6)], lambda: adopt("--apply")
        )
        assert [one for one in results if isinstance(one, Exception)] == []
        assert Token.objects.filter(digest=digest(access)).count() == 1


def test_a_code_is_redeemed_once(toolkit: Toolkit):
    user, application = UserFactory(), toolkit.application()
    adopt("--apply")
    client = Client.objects.get(client_id=application.client_id)
    client.secret = SECRET
    challenge = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    for _ in range(3):
        code = toolkit.grant(application, user, **challenge)
        results = at_once(*[lambda value=code: Flow(client, Browser()).exchange(value).status_code for _ in range(5)])
        assert sorted(results) == [200, 400, 400, 400, 400]
        assert Ticket.objects.filter(digest=digest(code)).count() == 1


def test_the_first_use_of_a_secret_may_be_many(toolkit: Toolkit):
    application = toolkit.application()
    _, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    client = Client.objects.get(client_id=application.client_id)
    client.secret = SECRET
    assert at_once(*[lambda: Flow(client, Browser()).is_active(refresh) for _ in range(6)]) == [True] * 6
    client.refresh_from_db()
    assert client.has_secret(SECRET, timezone.now())
