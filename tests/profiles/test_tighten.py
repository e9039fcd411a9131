"""Policies compose by tightening: nothing that one of them refuses is let through by adding another."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.conf import LEGACY, OAUTH2_1, PROFILES, IssuerSettings, Policy, tighten
from django_oauth_server.issuer import make_issuer

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
NAMES = [field.name for field in fields(Policy) if field.name != "name"]
SETS = st.frozensets(st.sampled_from(["one", "two", "three"]))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "require": st.booleans(),
    "allow": st.booleans(),
    "maximum": st.timedeltas(timedelta(), timedelta(days=1)),
    "permitted": st.none() | SETS,
    "demands": SETS,
}
POLICIES = st.builds(
    Policy,
    name=st.sampled_from("abc"),
    **{name: VALUES[name.partition("_")[0]] for name in NAMES},
)


def demands(policy: Policy) -> tuple[Any, ...]:
    """All but the name."""
    return tuple(getattr(policy, name) for name in NAMES)


def is_as_tight(policy: Policy, other: Policy) -> bool:
    """Whether *policy* refuses whatever *other* refuses."""
    tighter = {
        "require": lambda one, two: one or not two,
        "allow": lambda one, two: two or not one,
        "maximum": lambda one, two: one <= two,
        "permitted": lambda one, two: two is None or (one is not None and one <= two),
        "demands": lambda one, two: one >= two,
    }
    return all(tighter[name.partition("_")[0]](getattr(policy, name), getattr(other, name)) for name in NAMES)


@PROPERTY
@given(st.lists(POLICIES, min_size=1, max_size=4))
def test_the_whole_is_as_tight_as_each_part(policies: list[Policy]) -> None:
    assert all(is_as_tight(tighten(*policies), part) for part in policies)


@PROPERTY
@given(st.lists(POLICIES, min_size=1, max_size=4), POLICIES)
def test_no_more_is_refused_than_some_part_refuses(policies: list[Policy], other: Policy) -> None:
    if all(is_as_tight(other, part) for part in policies):
        assert is_as_tight(other, tighten(*policies))


@PROPERTY
@given(POLICIES, POLICIES, POLICIES)
def test_neither_order_nor_grouping_nor_repetition_counts(one: Policy, two: Policy, three: Policy) -> None:
    whole = demands(tighten(one, two, three))
    assert demands(tighten(three, one, two)) == whole
    assert demands(tighten(tighten(one, two), three)) == whole
    assert demands(tighten(one, two, three, two)) == whole


def test_the_default_profile_is_tighter_than_legacy() -> None:
    assert is_as_tight(OAUTH2_1, LEGACY)
    assert not is_as_tight(LEGACY, OAUTH2_1)


@PROPERTY
@given(st.sampled_from(sorted(PROFILES)), POLICIES, st.sampled_from(["", *sorted(PROFILES)]))
def test_neither_an_issuer_nor_a_client_loosens_its_profile(profile: str, own: Policy, bound: str) -> None:
    issuer = make_issuer(IssuerSettings(issuer="https://as.example", profile=profile, policy=own), [], "oauth_server")
    assert is_as_tight(issuer.policy, PROFILES[profile])
    assert is_as_tight(issuer.policy, own)
    assert is_as_tight(issuer.policy_for(bound), issuer.policy)


@pytest.mark.parametrize("name", NAMES)
def test_each_member_says_by_its_name_which_way_is_tighter(name: str) -> None:
    assert name.partition("_")[0] in VALUES
    changed = replace(OAUTH2_1, **{name: getattr(LEGACY, name)})
    assert is_as_tight(tighten(OAUTH2_1, changed), OAUTH2_1)
