"""Who acts (RFC 8693 sections 4.1 and 4.4): the client, the subject of an actor token, a chain of both; and by which key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from django_oauth_server.models import Authorization
from django_oauth_server.protocol.delegation import actor_claim
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.tokens import revoke_own_tokens
from django_oauth_server.testing.proofs import DPoPKey
from django_oauth_server.testing.tokens import issue_token
from django_oauth_server.tokens.claims import UserClaims
from django_oauth_server.verifier import LocalVerifier
from tests.exchange.conftest import rule
from tests.exchange.tokens import Tokens
from tests.exchange.walk import LEDGER, ORDERS, STOCK, TYPE, Service
from tests.factories import ClientFactory, UserFactory
from tests.flow import told

pytestmark = pytest.mark.django_db
Give = Callable[..., str]


def act(token: str) -> Any:
    return LocalVerifier().verify(token).claims["act"]


def refusal(answer: Any) -> tuple[str, str]:
    said = told(answer)
    return said["error"], said["error_description"]


# -- a chain -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stock(orders: Service) -> Service:
    return Service("stock", STOCK)


@pytest.mark.spec("RFC 8693", "4.1")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
def test_a_chain_of_services_says_who_acts_and_who_did_before(
    orders: Service, stock: Service, given: Give, exchanges: Any, user: Any, format: str
) -> None:
    exchanges(rule(), rule(client="stock", resources=(LEDGER,)), server={"access_token_format": format})
    first = orders.swapped(given())["access_token"]
    second = LocalVerifier().verify(stock.swapped(first, resource=LEDGER)["access_token"])
    assert second.claims["act"] == actor_claim("stock", before=actor_claim("orders"))
    assert [one.subject for one in second.actor.chain()] == ["stock", "orders"]
    assert (second.subject, second.client_id, second.audience) == (str(user.pk), "stock", (LEDGER,))
    assert second.claims["subject_client_id"] == "front"


def test_a_chain_ends_with_a_service_in_the_middle(
    orders: Service, stock: Service, given: Give, exchanges: Any
) -> None:
    exchanges(rule(), rule(client="stock", resources=(LEDGER,)))
    second = stock.swapped(orders.swapped(given())["access_token"], resource=LEDGER)["access_token"]
    ledger = Service("ledger", LEDGER)
    assert ledger.is_active(second)
    orders.client.is_active = False
    orders.client.save()
    assert not ledger.is_active(second)


@pytest.mark.spec("RFC 8693", "4.1")
def test_a_chain_is_no_longer_than_the_setting_says(
    orders: Service, stock: Service, given: Give, exchanges: Any
) -> None:
    exchanges(rule(), rule(client="stock", resources=(LEDGER,)), most_actors=1)
    first = orders.swapped(given())["access_token"]
    assert refusal(stock.swap(first, resource=LEDGER)) == (
        "invalid_request",
        "The parameter subject_token names too many actors.",
    )


def test_a_service_that_narrows_its_own_token_does_not_act_twice(orders: Service, given: Give) -> None:
    first = orders.swapped(given("stock:read stock:reserve"))["access_token"]
    again = orders.swapped(first, scope="stock:read")["access_token"]
    assert act(again) == actor_claim("orders")


@pytest.mark.spec("RFC 8693", "5")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
def test_a_chain_ends_with_a_service_that_passed_the_token_on_and_does_not_act(
    orders: Service, stock: Service, given: Give, exchanges: Any, format: str
) -> None:
    impersonating = rule(kind="impersonation")
    exchanges(impersonating, rule(client="stock", resources=(LEDGER,)), server={"access_token_format": format})
    second = stock.swapped(orders.swapped(given())["access_token"], resource=LEDGER)["access_token"]
    ledger = Service("ledger", LEDGER)
    said = ledger.introspect(second)
    assert said["act"] == actor_claim("stock") and "ends_with" not in said
    orders.client.is_active = False
    orders.client.save()
    assert not ledger.is_active(second)
    with pytest.raises(InvalidToken):
        LocalVerifier().verify(second)


# -- actor tokens ------------------------------------------------------------------------------------------------------


@pytest.fixture
def agent(exchanges: Any) -> Any:
    """A client whose token says who acts."""
    exchanges(rule(actor="actor_token"))
    return ClientFactory(client_id="agent", metadata__scope="orders:write stock:read")


def actor_token(client: Any, **more: Any) -> str:
    return issue_token(**({"client": client, "scopes": "orders:write", "audience": ORDERS} | more))


@pytest.mark.spec("RFC 8693", "2.1")
def test_the_subject_of_the_actor_token_acts(orders: Service, given: Give, agent: Any) -> None:
    answer = orders.swapped(given(), actor_token=actor_token(agent), actor_token_type=TYPE + "access_token")
    assert act(answer["access_token"]) == {"sub": "agent", "sub_profile": "service"}


@pytest.mark.spec("RFC 8693", "4.1")
def test_a_person_may_act(orders: Service, given: Give, agent: Any) -> None:
    helper = UserFactory()
    token = actor_token(agent, user=helper)
    answer = orders.swapped(given(), actor_token=token, actor_token_type=TYPE + "access_token")
    assert act(answer["access_token"]) == {"sub": str(helper.pk), "sub_profile": "user"}


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_what_was_exchanged_lives_no_longer_than_the_actors_token(orders: Service, given: Give, agent: Any) -> None:
    token = actor_token(agent, expires_in=timedelta(seconds=60))
    answer = orders.swapped(given(), actor_token=token, actor_token_type=TYPE + "access_token")
    assert answer["expires_in"] in range(40, 61)


def shut_out(allowed: Authorization) -> None:
    allowed.user.is_active = False
    allowed.user.save()


def taken_back(allowed: Authorization) -> None:
    revoke_authorizations([allowed], timezone.now())


def change_password(allowed: Authorization) -> None:
    allowed.user.set_password("another")
    allowed.user.save()


def app_disabled(allowed: Authorization) -> None:
    allowed.client.is_active = False
    allowed.client.save()


@pytest.mark.spec("RFC 8693", "5")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
@pytest.mark.parametrize(
    "end", [shut_out, taken_back, app_disabled, lambda allowed: allowed.user.delete(), change_password]
)
def test_what_ends_the_token_of_a_person_who_acts_ends_what_was_exchanged_by_it(
    orders: Service, stock: Service, given: Give, agent: Any, exchanges: Any, format: str, end: Any
) -> None:
    """And what was exchanged for that. A colleague who is shut out acts for nobody."""
    onwards = rule(client="stock", resources=(LEDGER,))
    exchanges(rule(actor="actor_token"), onwards, server={"access_token_format": format})
    helper = actor_token(agent, user=UserFactory())
    first = orders.swapped(given(), actor_token=helper, actor_token_type=TYPE + "access_token")["access_token"]
    second = stock.swapped(first, resource=LEDGER)["access_token"]
    ledger = Service("ledger", LEDGER)
    assert stock.is_active(first) and ledger.is_active(second)
    end(Authorization.objects.get(client=agent))
    for token in (first, second):
        with pytest.raises(InvalidToken):
            LocalVerifier().verify(token)
    assert not (stock.is_active(first) or ledger.is_active(second))


@pytest.mark.spec("RFC 8693", "5")
@pytest.mark.parametrize("whose", ["an actor's", "a client's"])
def test_what_another_process_ended_a_moment_ago_is_not_exchanged(
    orders: Service, given: Give, agent: Any, exchanges: Any, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """What is given for it would be newer than the revocation, and outlive it."""
    if whose == "a client's":
        exchanges(rule(subject="client"))
        token, end = actor_token(agent, scopes="stock:read", format="at+jwt"), partial(revoke_own_tokens, agent)
    else:
        exchanges(rule(actor="actor_token"), rule())
        helper = actor_token(agent, user=UserFactory())
        token = orders.swapped(given(), actor_token=helper, actor_token_type=TYPE + "access_token")["access_token"]
        end = lambda _: shut_out(Authorization.objects.get(client=agent))  # noqa: E731
    assert orders.swap(token).status_code == 200
    monkeypatch.setattr("django_oauth_server.storage.revocations.look_again", lambda: None)
    end(timezone.now())
    assert refusal(orders.swap(token))[0] == "invalid_request"


def test_a_colleague_who_was_shut_out_and_is_back_acts_by_a_new_token(
    orders: Service, given: Give, agent: Any, exchanges: Any
) -> None:
    """And is shut out of what it bought as well, the next time."""
    colleague = UserFactory()
    old = {"actor_token": actor_token(agent, user=colleague), "actor_token_type": TYPE + "access_token"}
    for _ in range(2):
        new = old | {"actor_token": actor_token(agent, user=colleague)}
        bought = orders.swapped(given(), **new)["access_token"]
        colleague.is_active = False
        colleague.save()
        assert not orders.is_active(bought)
        colleague.is_active = True
        colleague.save()
        assert not orders.is_active(bought)
        assert refusal(orders.swap(given(), **old))[0] == "invalid_request"


@pytest.mark.parametrize("type_", ["id_token", "jwt"])
def test_an_id_token_does_not_say_who_acts(
    orders: Service, given: Give, exchanges: Any, front: Any, user: Any, type_: str
) -> None:
    """No rule says that it may. It would last as long as an ID token does, and come from wherever one is sent."""
    exchanges(rule(actor="actor_token"), rule(subject_tokens=("id_token",)))
    value, _ = Tokens(user, front).make("an ID token of this service", orders.client)
    error, description = refusal(orders.swap(given(), actor_token=value, actor_token_type=TYPE + type_))
    assert error == "invalid_request" and "actor_token_type names a type" in description


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "actor_token is missing"),
        ({"actor_token_type": TYPE + "access_token"}, "actor_token_type is sent without actor_token"),
        ({"actor_token": "oas_at_x"}, "actor_token_type is missing"),
        ({"actor_token": "oas_at_x", "actor_token_type": TYPE + "saml2"}, "actor_token_type names a type"),
        ({"actor_token": "oas_at_x", "actor_token_type": TYPE + "access_token"}, "actor_token is unknown"),
    ],
)
def test_an_actor_token_that_is_no_good(
    orders: Service, given: Give, agent: Any, params: dict[str, str], words: str
) -> None:
    error, description = refusal(orders.swap(given(), **params))
    assert error == "invalid_request" and words in description


@pytest.mark.parametrize("more", [{"audience": LEDGER}, {"actor": "somebody"}], ids=["for another", "exchanged"])
@pytest.mark.spec("RFC 8693", "2.1")
def test_an_actor_token_that_was_not_issued_for_this_client(
    orders: Service, given: Give, agent: Any, more: dict[str, Any]
) -> None:
    token = actor_token(agent, **more)
    answer = orders.swap(given(), actor_token=token, actor_token_type=TYPE + "access_token")
    assert refusal(answer)[0] == "invalid_request"


def test_where_the_client_acts_no_actor_token_is_taken(
    orders: Service, given: Give, agent: Any, exchanges: Any
) -> None:
    exchanges(rule())
    answer = orders.swap(given(), actor_token=actor_token(agent), actor_token_type=TYPE + "access_token")
    assert refusal(answer) == (
        "invalid_request",
        "The parameter actor_token is not accepted: the client itself acts.",
    )


# -- may_act -----------------------------------------------------------------------------------------------------------

_named: Any = None


class Named(UserClaims):
    """Says who may act for a person at orders."""

    def access_token_claims(self, scopes: Collection[str], audience: Collection[str]) -> Mapping[str, object]:
        return {"may_act": _named} if _named is not None and ORDERS in audience else {}


@pytest.fixture
def named(exchanges: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(who: Any, **more: Any) -> None:
        monkeypatch.setattr("tests.exchange.test_actors._named", who)
        server = {"claims": "tests.exchange.test_actors.Named", "subject": "tests.exchange.test_actors.by_name"}
        exchanges(rule(**more), server=server)

    return use


def by_name(user: Any, issuer: Any) -> str:
    return str(user.get_username())


@pytest.mark.spec("RFC 8693", "4.4")
@pytest.mark.parametrize(
    ("who", "is_allowed"),
    [
        ({"sub": "orders"}, True),
        ({"sub": "orders", "iss": "https://as.example", "sub_profile": "service"}, True),
        ({"sub": "orders", "iss": "https://other.example"}, False),
        ({"sub": "orders", "sub_profile": "user"}, False),
        ({"sub": "orders", "client_id": "x"}, False),
        ({"sub": "gateway"}, False),
        ({"iss": "https://as.example"}, False),
        ({}, False),
        ("orders", False),
        (["orders"], False),
    ],
)
@pytest.mark.parametrize("kind", ["delegation", "impersonation"])
def test_a_token_that_names_who_may_act_is_exchanged_for_them_alone(
    orders: Service, given: Give, named: Callable[..., None], who: Any, is_allowed: bool, kind: str
) -> None:
    named(who, kind=kind)
    assert (orders.swap(given()).status_code == 200) == is_allowed


@pytest.mark.spec("RFC 8693", "4.4")
@pytest.mark.parametrize(
    ("acting", "who", "is_allowed"),
    [
        ("the agent", {"sub": "agent"}, True),
        ("the agent", {"sub": "agent", "sub_profile": "service"}, True),
        ("the agent", {"sub": "agent", "sub_profile": "user"}, False),
        ("the agent", {"sub": "orders"}, False),
        ("bob", {"sub": "bob", "sub_profile": "user"}, True),
        ("bob", {"sub": "bob", "sub_profile": "user", "iss": "https://other.example"}, False),
        ("bob", {"sub": "bob"}, False),
        ("bob", {"sub": "agent"}, False),
        ("bob", {"sub": "orders"}, False),
        ("orders", {"sub": "orders"}, False),
        ("agent", {"sub": "agent"}, False),
        ("agent", {"sub": "agent", "sub_profile": "user"}, True),
    ],
)
def test_of_actor_tokens_it_is_exchanged_for_the_one_that_is_named_alone(
    orders: Service, given: Give, agent: Any, named: Callable[..., None], acting: str, who: Any, is_allowed: bool
) -> None:
    """It is not the client that exchanges who has to be named. Without `sub_profile` a client is, whatever people are called."""
    named(who, actor="actor_token")
    person = None if acting == "the agent" else UserFactory(username=acting)
    answer = orders.swap(given(), actor_token=actor_token(agent, user=person), actor_token_type=TYPE + "access_token")
    assert (answer.status_code == 200) == is_allowed
    assert is_allowed or "does not name this actor in may_act" in refusal(answer)[1]


@pytest.mark.spec("RFC 8693", "4.4")
def test_a_rule_may_demand_that_the_token_names_the_actor(
    orders: Service, given: Give, named: Callable[..., None]
) -> None:
    named(None, require_may_act=True)
    assert refusal(orders.swap(given()))[0] == "invalid_request"
    named({"sub": "orders"}, require_may_act=True)
    assert orders.swap(given()).status_code == 200


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def key() -> DPoPKey:
    return DPoPKey()


def proof(key: DPoPKey) -> dict[str, str]:
    return {"DPoP": key.proof("POST", "https://as.example/oauth/token")}


@pytest.mark.spec("RFC 9449", "5")
def test_a_bearer_token_is_exchanged_for_one_that_is_bound_to_the_key_shown(
    orders: Service, given: Give, key: DPoPKey
) -> None:
    answer = orders.swapped(given(), headers=proof(key))
    assert answer["token_type"] == "DPoP"
    assert LocalVerifier().verify(answer["access_token"]).confirmation == key.confirmation


def test_a_bound_token_is_exchanged_by_the_holder_of_its_key(orders: Service, given: Give, key: DPoPKey) -> None:
    answer = orders.swapped(given(key=key), headers=proof(key))
    assert LocalVerifier().verify(answer["access_token"]).confirmation == key.confirmation


@pytest.mark.spec("RFC 8693", "5")
def test_a_bound_token_is_not_exchanged_without_its_key(orders: Service, given: Give, key: DPoPKey) -> None:
    for headers in ({}, proof(DPoPKey())):
        error, description = refusal(orders.swap(given(key=key), headers=headers))
        assert error == "invalid_request" and "bound to a key" in description


@pytest.mark.spec("RFC 8693", "5")
def test_a_bound_actor_token_needs_its_key_as_well(orders: Service, given: Give, agent: Any, key: DPoPKey) -> None:
    asked = {"actor_token": actor_token(agent, key=key), "actor_token_type": TYPE + "access_token"}
    for headers in ({}, proof(DPoPKey())):
        error, description = refusal(orders.swap(given(), **asked, headers=headers))
        assert error == "invalid_request" and "actor_token is bound to a key" in description
    answer = orders.swapped(given(), **asked, headers=proof(key))
    assert LocalVerifier().verify(answer["access_token"]).confirmation == key.confirmation


@pytest.mark.spec("RFC 8693", "5")
def test_whose_key_it_is_counts_for_each_token(orders: Service, given: Give, agent: Any, key: DPoPKey) -> None:
    """One request proves one key, so tokens of two keys go together nowhere."""
    other = DPoPKey()
    asked = {"actor_token": actor_token(agent, key=other), "actor_token_type": TYPE + "access_token"}
    for role, shown in (("actor_token", key), ("subject_token", other)):
        description = refusal(orders.swap(given(key=key), **asked, headers=proof(shown)))[1]
        assert f"{role} is bound to a key" in description


def test_a_rule_may_let_a_service_bind_the_token_to_its_own_key_but_to_none_never(
    orders: Service, given: Give, key: DPoPKey, exchanges: Any
) -> None:
    exchanges(rule(other_key=True))
    own = DPoPKey()
    answer = orders.swapped(given(key=key), headers=proof(own))
    assert LocalVerifier().verify(answer["access_token"]).confirmation == own.confirmation
    assert refusal(orders.swap(given(key=key)))[0] == "invalid_request"
