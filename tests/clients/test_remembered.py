"""A client that is remembered gets nothing because of what it was, and is refused nothing: another process changes it, and shares no cache."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Client, Ticket, Token
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.opaque import digest
from tests.factories import ClientFactory, TokenFactory
from tests.flow import INTROSPECT, Flow

pytestmark = pytest.mark.django_db

Act = Callable[[], HttpResponse]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def remembered(browser: Browser) -> Flow:
    """Of a client that this process knows, as its last request was a moment ago."""
    flow = Flow(
        ClientFactory(metadata__grant_types=["client_credentials", "authorization_code", "refresh_token"]), browser
    )
    own(flow)()
    return flow


def own(flow: Flow) -> Act:
    return lambda: flow.token(grant_type="client_credentials", scope="notes:read")


def exchange(flow: Flow) -> Act:
    code = flow.code()
    return lambda: flow.exchange(code)


def refresh(flow: Flow) -> Act:
    refresh_token = flow.tokens()["refresh_token"]
    return lambda: flow.refresh(refresh_token)


def introspect(flow: Flow) -> Act:
    token = TokenFactory(authorization__client=flow.client)

    def ask() -> HttpResponse:
        headers = {"Authorization": format_basic(flow.client.client_id, flow.client.secret)}
        return flow.server.post(INTROSPECT, f"token={token.value}", FORM, headers=headers)

    return ask


def elsewhere(client: Client, **columns: Any) -> None:
    """What another process saves: no signal tells this one."""
    Client.objects.filter(pk=client.pk).update(**columns, updated_at=timezone.now() + timedelta(seconds=1))


def without(client: Client, *grant_types: str) -> dict[str, object]:
    return client.metadata | {"grant_types": [one for one in client.grant_types if one not in grant_types]}


def what_counts() -> tuple[object, ...]:
    spent = Ticket.objects.exclude(redeemed_at=None).count()
    tokens = Token.objects.order_by("pk").values_list("pk", "expires_at", "held", "superseded_at", "revoked_at")
    return spent, tuple(tokens)


@pytest.mark.parametrize("request_", [own, exchange, refresh, introspect])
@pytest.mark.parametrize(
    "change",
    [
        lambda client: elsewhere(client, is_active=False),
        lambda client: elsewhere(client, secret_digest=digest("another")),
        lambda client: Client.objects.filter(pk=client.pk).update(is_active=False),
    ],
    ids=["disabled", "another secret", "disabled by hand"],
)
def test_one_that_may_not_come_in_any_more_does_not(remembered: Flow, request_: Any, change: Any) -> None:
    act = request_(remembered)
    change(remembered.client)
    before = what_counts()
    refused = act()
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert what_counts() == before


def test_one_that_is_gone_is_unknown(remembered: Flow) -> None:
    Client.objects.filter(pk=remembered.client.pk)._raw_delete("default")
    before = what_counts()
    assert own(remembered)().status_code == 401
    assert what_counts() == before


@pytest.mark.parametrize(
    ("request_", "grant_type"),
    [(own, "client_credentials"), (exchange, "authorization_code"), (refresh, "refresh_token")],
)
def test_a_grant_type_that_was_taken_away_is_gone(remembered: Flow, request_: Any, grant_type: str) -> None:
    act = request_(remembered)
    elsewhere(remembered.client, metadata=without(remembered.client, grant_type))
    before = what_counts()
    assert act().json()["error"] == "unauthorized_client"
    assert what_counts() == before


def test_a_scope_that_was_taken_away_is_gone(remembered: Flow) -> None:
    elsewhere(remembered.client, metadata=remembered.client.metadata | {"scope": "notes:write"})
    assert own(remembered)().json()["error"] == "invalid_scope"


@pytest.mark.parametrize("request_", [exchange, refresh])
def test_one_that_moved_to_another_sector_gets_nothing_that_was_allowed_before(remembered: Flow, request_: Any) -> None:
    act = request_(remembered)
    moved = {"subject_type": "pairwise", "sector_identifier_uri": "https://elsewhere.example/uris.json"}
    elsewhere(remembered.client, metadata=remembered.client.metadata | moved)
    assert act().json()["error"] == "invalid_grant"


def test_a_new_secret_opens_at_once(remembered: Flow) -> None:
    elsewhere(remembered.client, secret_digest=digest("the new one"))
    remembered.client.secret = "the new one"
    for act in (own(remembered), exchange(remembered), introspect(remembered)):
        assert act().status_code == 200


def test_a_grant_type_and_a_scope_that_were_added_count_at_once(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["authorization_code"], metadata__scope="notes:read"), browser)
    flow.tokens(scope="notes:read")
    asked = {"grant_type": "client_credentials", "scope": "notes:write"}
    assert flow.token(**asked).json()["error"] == "unauthorized_client"
    added = {"grant_types": ["authorization_code", "client_credentials"], "scope": "notes:read notes:write"}
    elsewhere(flow.client, metadata=flow.client.metadata | added)
    assert flow.token(**asked).json()["scope"] == "notes:write"


def test_one_who_was_enabled_again_is_let_in_at_once(remembered: Flow) -> None:
    elsewhere(remembered.client, is_active=False)
    assert own(remembered)().status_code == 401
    elsewhere(remembered.client, is_active=True)
    assert own(remembered)().status_code == 200


def test_whoever_was_forgotten_is_remembered_anew(remembered: Flow, django_assert_num_queries: Any) -> None:
    elsewhere(remembered.client, access_token_lifetime=timedelta(minutes=1))
    assert own(remembered)().json()["expires_in"] == 60
    with django_assert_num_queries(1):
        assert own(remembered)().json()["expires_in"] == 60


def test_a_client_that_changes_all_the_time_is_not_tried_for_ever(
    remembered: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first attempt the client is read, and nothing is stored on condition any more."""
    elsewhere(remembered.client, access_token_lifetime=timedelta(minutes=1))
    monkeypatch.setattr("django_oauth_server.storage.transaction.ATTEMPTS", 2)
    assert own(remembered)().status_code == 200
