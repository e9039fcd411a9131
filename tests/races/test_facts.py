"""One person who allows one app several things at once, for several teams."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from django_oauth_server.models import Authorization
from django_oauth_server.storage.authorizations import revoke_authorizations
from tests.factories import ClientFactory
from tests.flow import Flow, answered
from tests.races.doors import Threads, at_once, walk


@pytest.fixture
def windows(settings: Any, person: Any) -> list[Flow]:
    """Ten windows of one browser and one app."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": ["tests.authorization.prompts.Team"]}
    person.groups.set([Group.objects.create(name=name) for name in ("A", "B")])
    client = ClientFactory()
    return [walk(Threads(), client, person) for _ in range(10)]


def consent_for(flow: Flow, team: str) -> Any:
    chosen = flow.decide(flow.authorize(prompt="consent"), "continue", team=team)
    return flow.browser.get(chosen["Location"])


def test_each_team_has_one_authorization_whoever_comes_first(windows: list[Flow]) -> None:
    teams = ["A", "B"] * 5
    pages = [consent_for(one, team) for one, team in zip(windows, teams, strict=True)]
    answers = at_once(*[partial(one.decide, page) for one, page in zip(windows, pages, strict=True)])
    tokens = [one.exchange(answered(answer)["code"]).json() for one, answer in zip(windows, answers, strict=True)]
    assert [one.introspect(token["access_token"])["team"] for one, token in zip(windows, tokens, strict=True)] == teams
    assert sorted(one.facts["team"] for one in Authorization.objects.all()) == ["A", "B"]


def test_whoever_revokes_one_beside_refreshes_of_both_ends_that_one(windows: list[Flow]) -> None:
    first, second = windows[:2]
    tokens = [
        one.exchange(answered(one.decide(consent_for(one, team)))["code"]).json()
        for one, team in ((first, "A"), (second, "B"))
    ]
    gone = Authorization.objects.filter(facts__team="A").select_related("client", "user")
    refreshes = [
        partial(first.refresh, tokens[0]["refresh_token"]),
        partial(second.refresh, tokens[1]["refresh_token"]),
    ]
    at_once(*refreshes * 3, lambda: revoke_authorizations(list(gone), timezone.now()))
    assert first.refresh(tokens[0]["refresh_token"]).json()["error"] == "invalid_grant"
    assert second.refresh(tokens[1]["refresh_token"]).status_code == 200
    assert [one.facts for one in Authorization.objects.filter(is_live=True)] == [{"team": "B"}]


def test_allowing_again_beside_a_revocation_leaves_one_or_none(windows: list[Flow]) -> None:
    windows[0].decide(consent_for(windows[0], "A"))
    pages = [consent_for(one, "A") for one in windows[1:6]]
    known = list(Authorization.objects.select_related("client", "user"))
    answers = at_once(
        lambda: revoke_authorizations(known, timezone.now()),
        *[partial(one.decide, page) for one, page in zip(windows[1:6], pages, strict=True)],
    )
    assert all("code" in answered(one) for one in answers[1:])
    assert Authorization.objects.filter(is_live=True, facts__team="A").count() <= 1
