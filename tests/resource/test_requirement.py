"""Requirements as values: what composes, what is judged, what a client is told."""

from __future__ import annotations

import pytest

from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.requirement import requires
from tests.resource.verifiers import MAIL, NOTES, make_token

A, B, C = requires("a"), requires("b"), requires("c")


@pytest.mark.parametrize(
    "requirement, scopes",
    [
        (requires(), ""),
        (A, "a"),
        (requires("a", "b"), "b a"),
        (A & B, "a b c"),
        (A | B, "a"),
        (A | B, "b"),
        (~A, "b"),
        (~~A, "a"),
        (~(A & B), "a"),
        ((A | B) & C, "b c"),
        (requires("a", B | C), "a c"),
        (requires("a", audience=NOTES), "a"),
        (~requires("a", audience=MAIL), "a"),
    ],
)
def test_a_token_that_is_enough(requirement, scopes):
    assert requirement.judge(make_token(scopes)) is None


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize(
    "requirement, scopes, asked",
    [
        (A, "", "a"),
        (A, "b", "a"),
        (requires("b", "a"), "a", "a b"),
        (A & B, "a", "a b"),
        (A & B, "b", "a b"),
        (A & B & C, "a b", "a b c"),
        (A | B, "c", "a"),
        ((A | B) & C, "b", "a c"),
        ((A & B) | C, "a", "a b"),
        (requires("a", B | C), "a", "a b"),
        (~A, "a", ""),
        (B & ~A, "a b", "b"),
        (requires("a", audience=NOTES), "", "a"),
    ],
)
def test_a_challenge_names_all_scopes_of_the_operation(requirement, scopes, asked):
    refusal = requirement.refusal(make_token(scopes))
    assert (refusal.status, refusal.error, refusal.scopes) == (403, "insufficient_scope", frozenset(asked.split()))


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize(
    "requirement", [requires("a", audience=MAIL), requires(audience=MAIL), B & requires(audience=MAIL)]
)
def test_a_token_for_another_audience_is_invalid(requirement):
    refusal = requirement.refusal(make_token("b"))
    assert (refusal.error, refusal.resource) == ("invalid_token", MAIL)


def test_requirements_are_values():
    assert requires("a", "b") == requires("b", "a")
    assert len({requires("a"), requires("a"), requires("b")}) == 2
    assert requires(A) is A


@pytest.mark.parametrize("scope", ["notes read", "", "réad", 'a"b', " a"])
def test_a_name_that_is_no_scope_fails_where_it_is_declared(scope):
    with pytest.raises(ValueError, match="not a scope token"):
        requires(scope)


@pytest.mark.parametrize("demand", [["a", "b"], None, print])
def test_a_demand_that_is_no_string_fails_where_it_is_declared(demand):
    with pytest.raises(TypeError, match="a scope is a string"):
        requires(demand)


@pytest.mark.spec("RFC 9110", "5.6.4")
def test_quotes_and_backslashes_are_escaped():
    assert Challenge(401).header('a "b" \\') == 'Bearer realm="a \\"b\\" \\\\"'
