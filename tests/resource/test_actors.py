"""Who acts for the subject of a token: what is read, and who is let in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from django_oauth_server.resource.actor import MOST_ACTORS, Actor
from django_oauth_server.resource.requirement import requires
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.testing.clients import AsyncClient, Client
from django_oauth_server.testing.factories import UserFactory
from django_oauth_server.testing.issuer import ISSUER, FakeIssuer
from tests.resource.verifiers import make_token

ELSEWHERE = "https://elsewhere.example"
ISSUED = FakeIssuer(audience="https://api.example")


def read(**claims: object) -> VerifiedToken:
    return ISSUED.verifier().verify(ISSUED.token("a", **{"sub": "alice", **claims}))


def nested(depth: int) -> dict[str, object]:
    claim: dict[str, object] = {"sub": "first"}
    for _ in range(1, depth):
        claim = {"sub": "next", "act": claim}
    return claim


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8693", "4.1")
@pytest.mark.parametrize(
    "claim, actor",
    [
        ({"sub": "orders"}, Actor(subject="orders", issuer=ISSUER)),
        (
            {"sub": "stock", "act": {"sub": "orders"}},
            Actor(subject="stock", issuer=ISSUER, before=Actor(subject="orders", issuer=ISSUER)),
        ),
        ({"iss": ELSEWHERE, "sub": "orders"}, Actor(subject="orders", issuer=ELSEWHERE)),
        ({"sub": "7", "sub_profile": "user"}, Actor(subject="7", issuer=ISSUER, is_person=True)),
        ({"sub": "7", "sub_profile": "service"}, Actor(subject="7", issuer=ISSUER)),
        ({"sub": "7", "sub_profile": ["user"]}, Actor(subject="7", issuer=ISSUER)),
        ({"email": "who@example.com"}, Actor(subject="", issuer=ISSUER)),
    ],
    ids=str,
)
def test_who_acts_is_read_and_who_did_before(claim, actor):
    token = read(act=claim)
    assert (token.subject, token.actor, token.claims["act"]) == ("alice", actor, claim)


def test_nobody_acts_where_nothing_is_said():
    assert read().actor is None


def test_a_chain_reads_as_a_line():
    assert str(read(act={"sub": "stock", "act": {"email": "x@example.com", "act": {"sub": "shop"}}}).actor) == (
        "stock for somebody for shop"
    )


@pytest.mark.spec("RFC 8693", "4.1")
@pytest.mark.parametrize(
    "claim",
    [
        {},
        "orders",
        ["orders"],
        7,
        {"sub": 7},
        {"sub": None},
        {"iss": 7, "sub": "orders"},
        {"sub": "orders", "act": {}},
        {"sub": "orders", "act": None},
        {"sub": "orders", "act": {"sub": ["shop"]}},
        nested(MOST_ACTORS + 1),
    ],
    ids=lambda claim: str(claim)[:40],
)
def test_a_malformed_actor_is_refused(claim):
    """A token of which it is not clear who acts would pass for one with which nobody acts for another."""
    with pytest.raises(InvalidToken, match="the claim act"):
        read(act=claim)


def test_a_long_chain_is_read():
    assert len(list(read(act=nested(MOST_ACTORS)).actor.chain())) == MOST_ACTORS


@pytest.mark.parametrize(
    "profile, subject",
    [("user", "reports"), ("user ai_agent", "reports"), ("service", None), ("", None), (7, None), ("superuser", None)],
)
def test_a_subject_that_is_no_person_is_never_taken_for_one(profile, subject):
    assert read(sub="reports", sub_profile=profile).subject == subject


# -- who is let in -----------------------------------------------------------------------------------------------------


def acting(subject: str = "orders", **more: object) -> VerifiedToken:
    token = make_token("a")
    return replace(token, actor=Actor(subject=subject, **{"issuer": token.issuer, **more}))


ACTS = {
    "nobody": make_token("a"),
    "orders": acting(),
    "stock": acting("stock"),
    "orders before": acting("stock", before=acting().actor),
    "elsewhere": acting(issuer=ELSEWHERE),
    "person": acting(is_person=True),
    "unnamed": acting(""),
}


@pytest.mark.spec("RFC 8693", "4.1")
@pytest.mark.parametrize(
    "demands, admitted",
    [
        ({"actor": ["orders"]}, {"orders"}),
        ({"actor": ["orders", "stock"]}, {"orders", "stock", "orders before"}),
        ({"actor": ["orders"], "delegated": True}, {"orders"}),
        ({"delegated": True}, set(ACTS) - {"nobody"}),
        ({"delegated": False}, {"nobody"}),
        ({}, set(ACTS)),
    ],
)
def test_only_who_acts_now_counts(demands, admitted):
    requirement = requires("a", **demands)
    assert {name for name, token in ACTS.items() if requirement.refusal(token) is None} == admitted


def test_certain_services_may_act_for_those_who_come_themselves_as_well():
    requirement = requires(delegated=False) | requires(actor=["orders"])
    assert {name for name, token in ACTS.items() if requirement.refusal(token) is None} == {"nobody", "orders"}


@pytest.mark.parametrize(
    "demands, token, description",
    [
        ({"actor": ["orders"]}, "nobody", "Only a service that acts for somebody else"),
        ({"delegated": True}, "nobody", "Only a service that acts for somebody else"),
        ({"delegated": False}, "orders", "A service that acts for somebody else cannot"),
    ],
    ids=str,
)
def test_a_refusal_says_that_no_scope_would_help(demands, token, description):
    refusal = requires("a", **demands).refusal(ACTS[token])
    assert (refusal.status, refusal.error) == (403, "insufficient_scope")
    assert refusal.description.startswith(description)
    assert "orders" not in refusal.header("api")


def test_a_requirement_tells_schemas_and_people_who_may_act():
    requirement = requires("a", actor=["stock", "orders"]) | requires(delegated=False)
    assert str(requirement) == "orders or stock acting for another & a | nobody acting for another"
    assert requires(actor=["stock", "orders"]).schema() == {"x-actor": ["orders", "stock"]}
    assert requires(delegated=False).schema() == {"x-delegated": False}


# -- through every mechanism -------------------------------------------------------------------------------------------

STOCK = ["/stock", "/async-stock", "/rest-stock", "/ninja/stock"]


def get(path: str, token: str = "", **said: object):
    if not path.startswith("/async"):
        return Client().with_token(token, **said).get(path)

    async def ask():
        return await (await AsyncClient().awith_token(token, **said)).get(path)

    return async_to_sync(ask)()


@pytest.fixture
def beside_the_server(settings, db):
    """The verifier that asks the same database."""
    settings.ROOT_URLCONF = "tests.resource.actor_urls"
    settings.OAUTH_RESOURCE_SERVER = {}


@pytest.mark.usefixtures("beside_the_server")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
@pytest.mark.parametrize("path", STOCK)
def test_a_service_that_may_act_is_let_in_by_every_mechanism(path, format):
    alice = UserFactory()
    answer = get(path, scopes="notes:read", user=alice, format=format, actor=["orders", "shop"])
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "subject": str(alice.pk),
            "actor": "orders for shop",
            "act": {"sub": "orders", "sub_profile": "service", "act": {"sub": "shop", "sub_profile": "service"}},
        },
    )


@pytest.mark.usefixtures("beside_the_server")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
@pytest.mark.parametrize("path", STOCK)
@pytest.mark.parametrize("actor", ["", "stock", "stock orders"])
def test_every_mechanism_refuses_alike_who_may_not_act(path, format, actor):
    answer = get(path, scopes="notes:read", user=UserFactory(), format=format, actor=actor)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert "Only a service" in answer["WWW-Authenticate"]


@pytest.mark.usefixtures("beside_the_server")
def test_a_view_that_takes_nobody_who_acts_for_another():
    said = {"scopes": "notes:read", "user": UserFactory()}
    assert get("/direct", **said).status_code == 200
    assert get("/direct", **said, actor="orders").status_code == 403


@pytest.mark.usefixtures("beside_the_server")
def test_a_view_that_says_nothing_of_it_takes_both():
    said = {"scopes": "notes:read", "user": UserFactory()}
    assert [get("/silent", **said, actor=actor).json()["actor"] for actor in ("", "orders")] == ["None", "orders"]


@pytest.mark.parametrize("path", STOCK)
def test_an_issuer_elsewhere_says_who_acts(path, settings):
    settings.ROOT_URLCONF = "tests.resource.actor_urls"
    issuer = FakeIssuer()
    with issuer.trusted():
        assert get(path, issuer.token("notes:read", sub="alice", actor="orders")).status_code == 200
        assert get(path, issuer.token("notes:read", sub="alice", act={"sub": ["orders"]})).status_code == 401
        assert get(path, issuer.token("notes:read", sub="alice")).status_code == 403
