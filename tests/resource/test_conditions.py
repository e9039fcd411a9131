"""What a requirement may ask for beside scopes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from django_oauth_server.resource.admission import refusal_headers
from django_oauth_server.resource.condition import Both, Either, joined
from django_oauth_server.resource.requirement import Requirement, requires
from tests.resource.verifiers import MAIL, make_token

FIVE_MINUTES = timedelta(minutes=5)


def signed_in(ago: timedelta | None = None, acr: str | None = None):
    auth_time = None if ago is None else datetime.now(UTC) - ago
    return replace(make_token("a"), auth_time=auth_time, acr=acr)


@pytest.mark.spec("RFC 9470", "3")
@pytest.mark.parametrize(
    "demands, sign_in",
    [
        ({"max_age": FIVE_MINUTES}, {"ago": timedelta(minutes=4)}),
        ({"max_age": FIVE_MINUTES}, {"ago": timedelta(seconds=-5)}),
        ({"acr_values": ["phr"]}, {"acr": "phr"}),
        ({"acr_values": ["phrh", "phr"]}, {"acr": "phr"}),
        ({"acr_values": ["phr"], "max_age": FIVE_MINUTES}, {"ago": timedelta(0), "acr": "phr"}),
    ],
)
def test_a_recent_and_strong_enough_sign_in_is_let_in(demands, sign_in):
    assert requires("a", **demands).refusal(signed_in(**sign_in)) is None


@pytest.mark.spec("RFC 9470", "3")
@pytest.mark.parametrize(
    "demands, sign_in, told",
    [
        ({"max_age": FIVE_MINUTES}, {"ago": timedelta(minutes=6)}, 'max_age="300"'),
        ({"max_age": FIVE_MINUTES}, {}, 'max_age="300"'),
        ({"max_age": timedelta(seconds=1)}, {"ago": timedelta(seconds=2)}, 'max_age="1"'),
        ({"acr_values": ["phr"]}, {"acr": "pwd"}, 'acr_values="phr"'),
        ({"acr_values": ["phr"]}, {}, 'acr_values="phr"'),
        (
            {"acr_values": ["phrh", "phr"], "max_age": FIVE_MINUTES},
            {"ago": timedelta(0), "acr": "pwd"},
            'acr_values="phrh phr", max_age="300"',
        ),
        (
            {"acr_values": ["phr"], "max_age": FIVE_MINUTES},
            {"ago": timedelta(hours=1), "acr": "phr"},
            'acr_values="phr", max_age="300"',
        ),
    ],
)
def test_the_step_up_that_is_needed_is_told(demands, sign_in, told):
    refusal = requires("a", **demands).refusal(signed_in(**sign_in))
    assert (refusal.status, refusal.error) == (401, "insufficient_user_authentication")
    assert refusal.header("api").endswith(f', scope="a", {told}')


@pytest.mark.spec("RFC 9470", "3")
def test_whom_a_scope_would_not_help_is_not_asked_to_sign_in_first():
    assert requires("b", max_age=FIVE_MINUTES).refusal(signed_in()).error == "insufficient_scope"


@pytest.mark.parametrize("caller, subject", [("person", None), ("client", "alice")])
def test_a_caller_of_the_other_kind_is_refused(caller, subject):
    refusal = requires("a", caller=caller).refusal(make_token("a", subject=subject))
    assert (refusal.status, refusal.error) == (403, "insufficient_scope")


@pytest.mark.parametrize("caller, subject", [("client", None), ("person", "alice")])
def test_a_caller_of_the_kind_is_let_in(caller, subject):
    assert requires("a", caller=caller).refusal(make_token("a", subject=subject)) is None


def test_only_the_named_clients_are_let_in():
    assert requires(clients=["app", "other"]).refusal(make_token()) is None
    assert requires(clients=["other"]).refusal(make_token()).status == 403


def test_the_metadata_of_conditions_is_joined():
    assert joined({"a": [1], "b": "x"}, {"a": [2, 1], "b": "y", "c": True}) == {"a": [1, 2], "b": "x", "c": True}


def test_the_operation_says_what_openapi_has_no_word_for():
    assert (requires("a", acr_values=["phr"]) & requires(max_age=FIVE_MINUTES)).schema() == {
        "x-acr-values": ["phr"],
        "x-max-age": 300,
    }


A, B, C = requires("a"), requires("b"), requires("c")


@pytest.mark.parametrize(
    "requirement, words",
    [
        (requires(), "any good token"),
        (requires("b", "a"), "a b"),
        (A & B, "a & b"),
        ((A | B) & C, "(a | b) & c"),
        (A & B | C, "a & b | c"),
        (A & ~B, "a & ~b"),
        (~(A | B), "~(a | b)"),
        (requires("a", audience=MAIL), f"for {MAIL} & a"),
        (requires("a", caller="person"), "a person & a"),
        (requires(caller="client", clients=["x", "w"]), "the client itself & by w or x"),
        (
            requires("a", acr_values=["p", "q"], max_age=FIVE_MINUTES),
            "a & acr p or q, signed in within 0:05:00",
        ),
    ],
)
def test_a_requirement_reads_as_a_line(requirement, words):
    assert str(requirement) == words


@pytest.mark.parametrize(
    "requirement, alternatives",
    [
        (requires(), [""]),
        (A & B, ["a b"]),
        (A | B, ["a", "b"]),
        ((A | B) & C, ["a c", "b c"]),
        ((A | B) & (C | A), ["a c", "a", "b c", "a b"]),
        (~A, [""]),
        (requires("a", max_age=FIVE_MINUTES), ["a"]),
    ],
)
def test_the_alternatives_are_in_the_developers_order(requirement, alternatives):
    assert [" ".join(sorted(scopes)) for scopes in requirement.alternatives] == alternatives


def test_a_condition_of_another_kind_is_one_class():
    class Internal(Requirement):
        def judge(self, token):
            return None if token.client_id.startswith("internal-") else requires(clients=["x"]).judge(token)

        def metadata(self):
            return {"x_internal": [True]}

        def __str__(self):
            return "an internal client"

    requirement = requires("a", Internal())
    assert requirement.refusal(make_token("a")).scopes == {"a"}
    assert requirement.metadata() == {"x_internal": [True]}
    assert isinstance(requirement, Both)
    assert isinstance(requirement | A, Either)


class Covers:
    """`x:write` covers `x:read`, and `x:*` all of x."""

    @staticmethod
    def rule(held: str, needed: str) -> bool:
        (thing, _, may), (wanted, _, action) = held.partition(":"), needed.partition(":")
        return thing == wanted and (may == "*" or (may, action) == ("write", "read"))


covers = Covers.rule


@pytest.fixture
def hierarchy(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"scope_covers": "tests.resource.test_conditions.covers"}


@pytest.mark.spec("MCP", "step-up-authorization-flow")
@pytest.mark.usefixtures("hierarchy")
@pytest.mark.parametrize(
    "needed, held",
    [
        ("n:read", "n:read"),
        ("n:read", "n:write"),
        ("n:read n:write", "n:write"),
        ("n:read m:read", "n:* m:write"),
    ],
)
def test_a_scope_that_covers_the_needed_one_is_enough(needed, held):
    assert requires(*needed.split()).refusal(make_token(held)) is None


@pytest.mark.spec("MCP", "scope-challenge-handling")
@pytest.mark.usefixtures("hierarchy")
@pytest.mark.parametrize(
    "needed, held, asked",
    [
        ("n:write", "n:read", "n:write"),
        ("n:read n:write", "n:read", "n:write"),
        ("n:read m:read", "n:*", "m:read n:read"),
        ("n:read", "m:*", "n:read"),
    ],
)
def test_a_challenge_asks_for_no_more_scopes_than_needed(needed, held, asked):
    refusal = requires(*needed.split()).refusal(make_token(held))
    assert f', scope="{asked}"' in refusal_headers(refusal)["WWW-Authenticate"]


def test_of_two_scopes_that_cover_each_other_one_is_asked_for(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"scope_covers": "operator.is_not"}
    refusal = requires("a", "b").refusal(make_token(""))
    assert ', scope="a"' in refusal_headers(refusal)["WWW-Authenticate"]


def test_without_a_rule_names_are_only_names():
    assert requires("n:read").refusal(make_token("n:write n:*")).error == "insufficient_scope"
