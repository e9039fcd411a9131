"""Registrations that meet each other."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from django_oauth_server.models import Authorization, Client
from django_oauth_server.storage.clients import set_active
from django_oauth_server.storage.transaction import retry_conflicts
from tests.factories import AuthorizationFactory
from tests.races.doors import Door, at_once, walk
from tests.registration.conftest import JSON, REGISTER, initial_access_token

DOCUMENT = {"redirect_uris": ["https://client.example/callback"]}


def call(door: Door, method: str, path: str, token: str, document: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return door.browser().generic(method, path, json.dumps(document), JSON, headers=headers)


def registered(door: Door) -> dict[str, Any]:
    information: dict[str, Any] = call(door, "POST", REGISTER, "", DOCUMENT).json()
    return information


def manage(door: Door, information: dict[str, Any], method: str, **changes: Any) -> Any:
    path = urlsplit(information["registration_client_uri"]).path
    document = DOCUMENT | {"client_id": information["client_id"]} | changes
    return call(door, method, path, information["registration_access_token"], document)


@pytest.mark.parametrize("uses", [1, 3])
def test_an_initial_access_token_is_used_no_more_often_than_it_may(door: Door, uses: int) -> None:
    token, value = initial_access_token(uses=uses)
    responses = at_once(*[partial(call, door, "POST", REGISTER, value, DOCUMENT)] * 10)
    assert Counter(one.status_code for one in responses) == {201: uses, 401: 10 - uses}
    token.refresh_from_db()
    assert token.used == uses == Client.objects.count()


def test_ten_changes_at_once_leave_one_document_and_a_token_that_works(door: Door) -> None:
    information = registered(door)
    changes = [partial(manage, door, information, "PUT", client_name=f"Name {number}") for number in range(10)]
    responses = at_once(*changes)
    assert {one.status_code for one in responses} == {200}
    tokens = {one.json()["registration_access_token"] for one in responses}
    assert len(tokens) == 1
    assert manage(door, information | {"registration_access_token": tokens.pop()}, "GET").status_code == 200


def test_a_client_that_is_disabled_meanwhile_stays_disabled(door: Door) -> None:
    information = registered(door)
    client = Client.objects.get()
    changes = [partial(manage, door, information, "PUT", client_name=f"Name {number}") for number in range(8)]
    at_once(*changes, lambda: retry_conflicts(lambda: set_active([client], active=False)))
    assert not Client.objects.get().is_active
    assert manage(door, information, "GET").status_code == 401


def test_a_client_that_ends_itself_while_it_is_used_is_gone_with_all_it_had(door: Door, person: Any) -> None:
    information = registered(door)
    client = Client.objects.get()
    client.secret = information["client_secret"]
    AuthorizationFactory(client=client, user=person)
    flow = walk(door, client, person)
    codes = [flow.code(scope="openid") for _ in range(4)]
    exchanges = [partial(walk(door, client).exchange, code) for code in codes]
    changes = [partial(manage, door, information, "PUT")] * 3
    responses = at_once(partial(manage, door, information, "DELETE"), *exchanges, *changes)
    assert responses[0].status_code == 204
    assert {one.status_code for one in responses} <= {200, 204, 400, 401}
    assert not Client.objects.exists()
    assert not Authorization.objects.exists()
    assert manage(door, information, "GET").status_code == 401
