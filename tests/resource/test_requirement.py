"""Requirements as values: what composes, what is judged, what a client is told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import clear_url_caches, path
from ninja import NinjaAPI

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.requirement import Authentication, Clients, Scopes, requires
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


@pytest.mark.spec("MCP", "scope-challenge-handling")
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


@pytest.mark.spec("MCP", "access-token-privilege-restriction")
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


@pytest.mark.parametrize("scopes", ["notes:read notes:write", "notes:read   notes:write ", " notes:read notes:write"])
def test_several_scopes_in_one_string_are_told_apart(scopes):
    with pytest.raises(ValueError, match="each scope as a string of its own: 'notes:read', 'notes:write'"):
        requires(scopes)


@pytest.mark.parametrize(
    "demand, words",
    [
        (["a", "b"], 'requires("notes:read", "notes:write")'),
        (None, "A demand is a scope"),
        (print, "@protected_resource()"),
    ],
)
def test_a_demand_that_is_no_string_fails_where_it_is_declared(demand, words):
    with pytest.raises(TypeError, match="a scope is a string") as told:
        requires(demand)
    assert words in str(told.value)


MECHANISMS = pytest.mark.parametrize(
    "make", [requires, drf.requires, ninja.requires, protected_resource], ids=["value", "drf", "ninja", "django"]
)


@MECHANISMS
@pytest.mark.parametrize(
    "demands, words",
    [
        ({"scopes": ["notes:write"]}, 'requires("notes:read", "notes:write")'),
        ({"scope": "notes:write"}, 'requires("notes:read", "notes:write")'),
        ({"required_scopes": ["notes:write"]}, 'requires("notes:read", "notes:write")'),
        ({"client": ["app"]}, "Did you mean clients?"),
        ({"acr_value": ["phr"]}, "Did you mean acr_values?"),
        ({"anything": 1}, "There are scopes, and audience"),
        ({"clients": []}, "names no client"),
        ({"clients": ()}, "names no client"),
        ({"clients": None}, "list or tuple"),
        ({"clients": "app"}, "list or tuple"),
        ({"clients": [""]}, "an empty string"),
        ({"clients": ["app", None]}, "it has None"),
        ({"clients": 5}, "list or tuple"),
        ({"clients": [["app"]]}, "it has list"),
        ({"acr_values": [["phr"]]}, "it has list"),
        ({"audience": ""}, "no resource identifier"),
        ({"audience": " "}, "no resource identifier"),
        ({"audience": None}, "not None"),
        ({"audience": ["https://api.example/notes"]}, "not list"),
        ({"audience": "https://api.example/notes#part"}, "no resource identifier"),
        ({"acr_values": []}, "names no way of signing in"),
        ({"acr_values": None}, "list or tuple"),
        ({"acr_values": "phr"}, "list or tuple"),
        ({"acr_values": [""]}, "an empty string"),
        ({"acr_values": ["phr phrh"]}, "a string of its own"),
        ({"acr_values": [], "max_age": timedelta(minutes=5)}, "names no way of signing in"),
        ({"max_age": None}, "timedelta"),
        ({"max_age": 300}, "not int"),
        ({"max_age": timedelta(0)}, "less than a second"),
        ({"max_age": timedelta(minutes=-5)}, "less than a second"),
        ({"caller": "user"}, '"person" or "client"'),
        ({"caller": ""}, '"person" or "client"'),
        ({"caller": None}, '"person" or "client"'),
        ({"caller": ["person"]}, '"person" or "client"'),
        ({"caller": "client", "max_age": timedelta(minutes=5)}, "admit nobody"),
        ({"caller": "client", "acr_values": ["phr"]}, "admit nobody"),
        ({"actor": []}, "names nobody"),
        ({"actor": None}, "list or tuple"),
        ({"actor": "orders"}, "list or tuple"),
        ({"actor": [""]}, "an empty string"),
        ({"actor": [None]}, "it has None"),
        ({"actors": ["orders"]}, "Did you mean actor?"),
        ({"delegated": None}, "True or False"),
        ({"delegated": "no"}, "True or False"),
        ({"delegated": 0}, "True or False"),
        ({"delegate": False}, "Did you mean delegated?"),
        ({"delegated": False, "actor": ["orders"]}, "admit nobody"),
    ],
    ids=str,
)
def test_a_demand_that_demands_nothing_fails_where_it_is_written(make, demands, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        make("notes:read", **demands)


@MECHANISMS
@pytest.mark.parametrize("scope", ["", " ", "a  b", None, ["a"], 5, drf.requires("a"), ninja.requires("a")], ids=str)
def test_each_mechanism_refuses_what_is_no_scope(make, scope):
    with pytest.raises((TypeError, ValueError)):
        make(scope)


def test_a_condition_keeps_what_it_was_made_of():
    """A generator can be read once: afterwards it would name nothing, and ask for nothing."""
    assert Scopes(name for name in ("a", "b")) == requires("a", "b")
    assert Clients(name for name in ("app",)) == requires(clients=["app"])
    assert Authentication(["phr"]) == requires(acr_values=["phr"])
    assert Scopes(name for name in ("a", "b")).judge(make_token("a"))


def test_an_authentication_that_asks_for_nothing_fails_where_it_is_written():
    with pytest.raises(ValueError, match="asks for no authentication"):
        Authentication()


def test_what_protects_views_does_not_pass_for_what_knows_callers(settings):
    """django-ninja would take the protected "view" that it makes of a request for somebody."""
    api = NinjaAPI(urls_namespace="mistaken", auth=protected_resource("notes:read"), docs_url=None)
    api.get("notes")(lambda request: "in")
    settings.ROOT_URLCONF = (path("", api.urls),)
    clear_url_caches()
    with pytest.raises(TypeError, match="decorates a view"):
        Client().get("/notes")


@pytest.mark.parametrize("wrong", ["notes:read", None, drf.requires("notes:read")], ids=str)
def test_an_auth_object_is_made_of_a_requirement(wrong):
    with pytest.raises(TypeError, match="is made by requires"):
        ninja.TokenAuth(wrong)


@pytest.mark.spec("RFC 9110", "5.6.4")
def test_quotes_and_backslashes_are_escaped():
    assert Challenge(401).header('a "b" \\') == 'Bearer realm="a \\"b\\" \\\\"'
