"""Whatever runs beside a revocation: once it has answered, nothing is worth anything."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from functools import partial
from random import uniform
from threading import Thread
from time import sleep
from typing import Any, TypeVar

import pytest
from django.utils import timezone

from django_oauth_server.grants.rotation import with_origin
from django_oauth_server.keys.derivation import derivation_keys
from django_oauth_server.models import Authorization, Token
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, digest, generate
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.storage import revoked
from django_oauth_server.storage.clients import set_active
from django_oauth_server.storage.tokens import find_tokens
from django_oauth_server.storage.transaction import retry_conflicts
from django_oauth_server.tokens import issue
from django_oauth_server.verifier import LocalVerifier
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.races.doors import Door, Threads, at_once, walk

T = TypeVar("T")
ROUNDS = int(os.environ.get("RACE_ROUNDS", "10"))
KINDS = pytest.mark.parametrize("public", [True, False], ids=["rotating", "not rotating"])


def refresh_until_refused(flow: Flow, refresh_token: str, at_most: int = 20, **params: Any) -> list[dict[str, Any]]:
    """The answers on the way, each asked for with the newest refresh token."""
    answers: list[dict[str, Any]] = []
    while len(answers) < at_most:
        response = flow.refresh(refresh_token, **params)
        if response.status_code != 200:
            assert response.json()["error"] in {"invalid_grant", "invalid_client"}, response.content
            break
        answers.append(response.json())
        refresh_token = answers[-1].get("refresh_token", refresh_token)
    return answers


def in_a_moment(work: Callable[[], T]) -> T:
    sleep(uniform(0, 0.1))
    return work()


def race(door: Door, flow: Flow, end: Callable[[dict[str, Any]], Any]) -> list[str]:
    """Three parts of the client refresh as fast as they can, one of them for less; *end* comes between. Returns all that they were given."""
    bought = flow.tokens()
    given: list[dict[str, Any]] = []

    def refresh(**params: Any) -> None:
        given.extend(refresh_until_refused(walk(door, flow.client), bought["refresh_token"], **params))

    at_once(refresh, refresh, partial(refresh, scope="notes:read"), partial(in_a_moment, partial(end, bought)))
    answers = [bought, *given]
    return [one[member] for one in answers for member in ("access_token", "refresh_token") if member in one]


def all_dead(door: Door, flow: Flow, values: list[str]) -> bool:
    """Whether a resource server is told so of each access token, and the client of each refresh token."""
    api = walk(door, ClientFactory(metadata__resource_identifiers=["https://as.example"]))
    access = [value for value in values if value.startswith("oas_at_")]
    refresh = [value for value in values if value.startswith("oas_rt_")]
    return not any(map(api.is_active, access)) and all(flow.refresh(value).status_code >= 400 for value in refresh)


def take_back(browser: Any, bought: dict[str, Any]) -> None:
    """On the page of connected apps, where a person knows nothing of what was *bought*."""
    page = browser.get("/oauth/connected-apps/").content.decode()
    (path,) = re.findall(r"/oauth/connected-apps/[0-9a-f-]{36}/remove", page)
    hidden = re.findall(r'name="(csrfmiddlewaretoken)" value="(\w+)"', browser.get(path).content.decode())
    assert browser.post(path, dict(hidden)).status_code == 302


@KINDS
@pytest.mark.spec("RFC 7009", "2.1")
def test_a_client_that_revokes_while_it_refreshes_holds_nothing(door: Door, person: Any, public: bool) -> None:
    flow = walk(door, ClientFactory(public=public), person)

    def revoke(bought: dict[str, Any]) -> None:
        assert walk(door, flow.client).revoke(bought["refresh_token"]).status_code == 200

    for _ in range(ROUNDS):
        values = race(door, flow, revoke)
        assert not Token.objects.filter(revoked_at=None).exists()
        assert all_dead(door, flow, values)


@KINDS
@pytest.mark.spec("OAuth 2.1", "7.9")
def test_a_person_who_takes_consent_back_while_the_client_refreshes(door: Door, person: Any, public: bool) -> None:
    flow = walk(door, ClientFactory(public=public), person)
    for _ in range(ROUNDS):
        values = race(door, flow, partial(take_back, door.browser(person)))
        assert not Authorization.objects.filter(is_live=True).exists()
        assert all_dead(door, flow, values)


@KINDS
def test_a_client_that_is_disabled_while_it_refreshes(door: Door, person: Any, public: bool) -> None:
    for _ in range(ROUNDS):
        flow = walk(door, ClientFactory(public=public), person)
        values = race(
            door, flow, lambda _, client=flow.client: retry_conflicts(partial(set_active, [client], active=False))
        )
        assert all_dead(door, flow, values)


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_a_token_whose_row_is_long_gone_is_reused_while_the_client_refreshes(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(public=True), person)
    issuer = default_issuer()

    def reuse(bought: dict[str, Any]) -> None:
        one = Token.objects.get(digest=digest(bought["refresh_token"]))
        assert one.authorization_id and one.family
        former = with_origin(
            generate(REFRESH_TOKEN),
            one.authorization_id,
            one.family,
            issuer,
            derivation_keys(issuer)[0],
            timezone.now() - timedelta(days=1),
        )
        assert walk(door, flow.client).refresh(former).json()["error"] == "invalid_grant"

    for _ in range(ROUNDS):
        values = race(door, flow, reuse)
        assert not Token.objects.filter(revoked_at=None).exists()
        assert all_dead(door, flow, values)


def opens(value: str) -> bool:
    """Whether the JWT is good where another process looks, which reads what was revoked."""
    revoked.forget()
    try:
        LocalVerifier().verify(value)
    except InvalidToken:
        return False
    return True


@KINDS
@pytest.mark.parametrize("how", ["revoked", "taken back", "disabled"])
def test_no_jwt_that_was_issued_meanwhile_opens_anything(door: Door, person: Any, public: bool, how: str) -> None:
    for _ in range(max(ROUNDS // 5, 1)):
        flow = walk(door, ClientFactory(public=public, access_token_format="at+jwt"), person)
        ends = {
            "revoked": lambda bought, flow=flow: walk(door, flow.client).revoke(bought["refresh_token"]),
            "taken back": partial(take_back, door.browser(person)),
            "disabled": lambda _, flow=flow: retry_conflicts(partial(set_active, [flow.client], active=False)),
        }
        values = race(door, flow, ends[how])
        assert not any(opens(value) for value in values if value.count(".") == 2)


@pytest.mark.spec("OAuth 2.1", "7.5.2")
def test_twenty_replays_at_once_mark_each_jwt_once(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(public=True, access_token_format="at+jwt"), person)
    code = flow.code()
    bought = [flow.exchange(code).json()]
    for _ in range(3):
        bought.append(flow.refresh(bought[-1]["refresh_token"]).json())
    replays = [partial(walk(door, flow.client).exchange, code) for _ in range(20)]
    assert {one.status_code for one in at_once(*replays)} == {400}
    assert Revocation.objects.count() == Revocation.objects.values("mark").distinct().count() == len(bought)
    assert not any(opens(one["access_token"]) for one in bought)


def test_a_person_who_is_disabled_in_twenty_places_at_once_is_marked_once(door: Door, person: Any) -> None:
    flow = walk(door, ClientFactory(access_token_format="at+jwt"), person)
    token = flow.tokens()["access_token"]
    person.is_active = False
    at_once(*[partial(retry_conflicts, copy(person).save)] * 20)
    assert Revocation.objects.count() == 1
    assert not opens(token)


def test_a_client_that_is_deleted_while_it_redeems_codes(door: Door, person: Any) -> None:
    for _ in range(ROUNDS):
        flow = walk(door, ClientFactory(), person)
        codes = [flow.code() for _ in range(5)]
        redeem = [partial(in_a_moment, partial(walk(door, flow.client).exchange, code)) for code in codes]
        *responses, _ = at_once(*redeem, partial(in_a_moment, partial(retry_conflicts, flow.client.delete)))
        assert {one.status_code for one in responses} <= {200, 400, 401}
        assert not Token.objects.exists()


@pytest.mark.parametrize("params", [{}, {"scope": "notes:read"}], ids=["the same", "less"])
def test_a_replay_that_was_begun_before_the_revocation_gets_nothing_that_lives(
    person: Any, monkeypatch: pytest.MonkeyPatch, params: dict[str, str]
) -> None:
    """The revocation comes, at the worst moment, between what the replay reads and what it writes."""
    flow = walk(Threads(), ClientFactory(public=True), person)
    first = flow.tokens()["refresh_token"]
    flow.refresh(first)
    revocation = Thread(target=at_once, args=[partial(walk(Threads(), flow.client).revoke, first)])

    def revoke_meanwhile(digests: list[str]) -> dict[str, Token]:
        monkeypatch.undo()
        revocation.start()
        revocation.join(1)  # where the replay's reading locks, the revocation waits for it
        return find_tokens(digests)

    monkeypatch.setattr(issue, "find_tokens", revoke_meanwhile)
    flow.refresh(first, **params)
    revocation.join()
    assert not Token.objects.filter(revoked_at=None).exists()
