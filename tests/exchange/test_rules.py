"""What is told of exchanges and of their refusals, ID tokens, and clients as subjects (RFC 8693)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Authorization
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.clients import delete_client
from django_oauth_server.storage.tokens import revoke_own_tokens
from django_oauth_server.verifier import LocalVerifier
from tests.assertions import under_secret
from tests.exchange.conftest import rule
from tests.exchange.tokens import RULES, SCOPES, Tokens
from tests.exchange.walk import LEDGER, ORDERS, STOCK, TOKEN_EXCHANGE, TYPE, Service
from tests.flow import told

pytestmark = pytest.mark.django_db


@pytest.fixture
def tokens(exchanges: Any, user: Any) -> Tokens:
    return Tokens(user)


# -- what is told, and to whom -----------------------------------------------------------------------------------------


def test_a_refusal_names_the_rule_that_came_closest(tokens: Tokens, orders: Service, exchanges: Any) -> None:
    exchanges(RULES["clients"], rule(scopes=("stock:reserve",)))
    value, _ = tokens.make("of a person", orders.client)
    answer = orders.swap(value)
    kept = Refusal.objects.get(reference=answer.json()["error_reference"])
    assert (kept.error, kept.client_id, kept.parameter) == ("invalid_scope", "orders", "scope")
    assert kept.rule == "token_exchange: Exchange(orders: delegation of a person at https://stock.example)"


def test_the_log_names_both_clients_and_no_token(
    tokens: Tokens, orders: Service, exchanges: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "django_oauth_server")
    value, _ = tokens.make("of a person", orders.client)
    new = orders.swapped(value)["access_token"]
    refused = orders.swap(tokens.make("for another service", orders.client)[0])
    assert refused.status_code == 400
    assert "'orders' may exchange a token that was issued to 'front'" in caplog.text
    assert (
        f"issued to 'front' for {LEDGER}; resource_identifiers of the client: {ORDERS}, client_id 'orders'"
        in caplog.text
    )
    assert value not in caplog.text and new not in caplog.text


@pytest.mark.parametrize(
    ("registered", "reason"),
    [
        ({"metadata__resource_identifiers": []}, "resource_identifiers of the client: none"),
        ({"metadata__scope": "notes:read"}, "the client and the person allow none"),
        ({"metadata__scope": "orders:write"}, "the client and the person allow orders:write"),
    ],
    ids=str,
)
def test_the_reason_says_what_the_client_was_registered_without(
    tokens: Tokens, exchanges: Any, registered: dict[str, Any], reason: str
) -> None:
    service = Service("orders", ORDERS, **registered)
    assert service.swap(tokens.make("of a person", service.client)[0]).status_code == 400
    assert reason in Refusal.objects.get().reason


@pytest.mark.spec("RFC 8693", "2.1", "4.2")
@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"subject_token_type": None}, "invalid_request", "subject_token_type is missing"),
        ({"subject_token_type": "access_token"}, "invalid_request", "subject_token_type names a type"),
        ({"subject_token_type": TYPE + "refresh_token"}, "invalid_request", "subject_token_type names a type"),
        ({"subject_token_type": TYPE + "jwt"}, "invalid_request", "subject_token is unknown"),
        ({"subject_token": None}, "invalid_request", "subject_token is missing"),
        ({"subject_token": "x" * 10_000}, "invalid_request", "subject_token is unknown"),
        ({"requested_token_type": TYPE + "refresh_token"}, "invalid_request", "requested_token_type names a type"),
        ({"requested_token_type": TYPE + "saml2"}, "invalid_request", "requested_token_type names a type"),
        ({"subject_token": ["a", "b"]}, "invalid_request", "subject_token is repeated"),
        ({"audience": "https://unknown.example"}, "invalid_target", "resource or audience"),
        ({"audience": LEDGER}, "invalid_target", "resource or audience"),
        ({"scope": "stock:read orders:write"}, "invalid_scope", "more than this exchange allows"),
        ({"scope": "stock:reserve"}, "invalid_scope", "more than this exchange allows"),
        ({"scope": "unknown"}, "invalid_scope", "more than this exchange allows"),
    ],
)
def test_a_request_that_is_wrong(
    tokens: Tokens, orders: Service, params: dict[str, Any], error: str, words: str
) -> None:
    value, _ = tokens.make("of a person", orders.client)
    said = told(orders.swap(value, **params))
    assert said["error"] == error and words in said["error_description"]


@pytest.mark.spec("RFC 8693", "2.1")
def test_several_targets_that_the_rule_has(tokens: Tokens, orders: Service, exchanges: Any) -> None:
    exchanges(rule(resources=(STOCK, LEDGER)))
    value, _ = tokens.make("of a person", orders.client)
    answer = orders.swapped(value, resource=STOCK, audience=[LEDGER, STOCK])
    assert LocalVerifier().verify(answer["access_token"]).audience == (STOCK, LEDGER)
    assert told(orders.swap(value, resource=None))["error"] == "invalid_target"


@pytest.mark.spec("RFC 8693", "2.1")
def test_a_public_client_or_one_that_is_not_registered_for_it_exchanges_nothing(tokens: Tokens, exchanges: Any) -> None:
    exchanges(rule(client="public"), rule(client="unregistered"))
    value, _ = tokens.make("of a person", None)
    for service in (
        Service("public", ORDERS, public=True),
        Service("unregistered", ORDERS, metadata__grant_types=["client_credentials"]),
    ):
        assert told(service.swap(value))["error"] == "unauthorized_client"


@pytest.mark.parametrize("member", [{"grant_types": [TOKEN_EXCHANGE]}, {"resource_identifiers": [ORDERS]}])
def test_no_client_gives_itself_what_it_takes_to_exchange(exchanges: Any, member: dict[str, Any]) -> None:
    exchanges(rule(), server={"registration": "open", "default_scopes": ("stock:read",)})
    document = {"client_name": "Orders", "redirect_uris": ["https://evil.example/callback"]}
    said = Browser().post("/oauth/register", document | member, content_type="application/json").json()
    assert "resource_identifiers" not in said and TOKEN_EXCHANGE not in said.get("grant_types", ())


@pytest.mark.spec("RFC 8414", "2")
def test_it_is_offered_where_there_is_a_rule(orders: Service, exchanges: Any, tokens: Tokens) -> None:
    def offered() -> bool:
        document = orders.server.get("/.well-known/oauth-authorization-server").json()
        return TOKEN_EXCHANGE in document["grant_types_supported"]

    assert offered()
    exchanges()
    assert not offered()
    value, _ = tokens.make("of a person", orders.client)
    assert told(orders.swap(value))["error"] == "unsupported_grant_type"


@pytest.mark.spec("RFC 8693", "5")
def test_what_the_person_took_back_or_the_client_may_not_request_is_not_given(
    tokens: Tokens, orders: Service, exchanges: Any
) -> None:
    value, _ = tokens.make("of a person", orders.client)
    Authorization.objects.update(scope="orders:write")
    assert told(orders.swap(value))["error"] == "invalid_scope"
    Authorization.objects.update(scope=SCOPES)
    assert orders.swap(value).status_code == 200
    orders.client.metadata["scope"] = "orders:write"
    orders.client.save()
    assert told(orders.swap(value))["error"] == "invalid_scope"


@pytest.mark.spec("RFC 8693", "2.2.2")
def test_a_person_who_could_be_taken_for_the_client_is_not_acted_for(
    tokens: Tokens, orders: Service, exchanges: Any
) -> None:
    exchanges(rule(), server={"subject": "tests.exchange.test_rules.called_orders"})
    assert told(orders.swap(tokens.make("of a person", orders.client)[0]))["error"] == "invalid_request"


def called_orders(user: Any, issuer: Any) -> str:
    return "orders"


# -- ID tokens ---------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8693", "3")
def test_an_id_token_is_exchanged_for_what_the_person_allowed(tokens: Tokens, orders: Service, exchanges: Any) -> None:
    exchanges(RULES["ID tokens"])
    value, type_ = tokens.make("an ID token of this service", orders.client)
    token = LocalVerifier().verify(orders.swapped(value, subject_token_type=type_)["access_token"])
    assert (token.subject, token.scopes, token.client_id) == (str(tokens.user.pk), {"stock:read"}, "orders")
    revoke_authorizations(Authorization.objects.select_related("client", "user"), timezone.now())
    assert told(orders.swap(value, subject_token_type=type_))["error"] == "invalid_request"


@pytest.mark.spec("RFC 8693", "5")
def test_what_the_app_may_not_ask_for_any_more_is_not_given_for_its_id_token(
    tokens: Tokens, orders: Service, exchanges: Any
) -> None:
    """The person allowed it once, but the app could not get it by refreshing either."""
    exchanges(RULES["front's ID tokens"])
    value, type_ = tokens.make("an ID token of the app", orders.client)
    tokens.front.metadata["scope"] = "orders:write"
    tokens.front.save()
    assert told(orders.swap(value, subject_token_type=type_))["error"] == "invalid_scope"


def without_stock(client: Any, grant_type: str, user: Any, scopes: frozenset[str]) -> frozenset[str]:
    """The person may no longer let the app see what is in stock."""
    return scopes - {"stock:read"} if client.client_id == "front" and user is not None else scopes


@pytest.mark.spec("RFC 8693", "5")
def test_what_the_person_may_not_allow_the_app_any_more_is_not_given_for_its_id_token(
    tokens: Tokens, orders: Service, exchanges: Any
) -> None:
    exchanges(RULES["front's ID tokens"])
    value, type_ = tokens.make("an ID token of the app", orders.client)
    assert orders.swapped(value, subject_token_type=type_)["scope"] == "stock:read"
    exchanges(RULES["front's ID tokens"], server={"allowed_scopes": f"{__name__}.without_stock"})
    assert told(orders.swap(value, subject_token_type=type_))["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "more",
    [{"exp": 1}, {"exp": "9999999999"}, {"exp": None}, {"iss": "https://other.example"}, {"sub": "1234"}, {"aud": "front"},
     {"aud": ["orders"]}, {"grant_id": None}, {"grant_id": "00000000-0000-4000-8000-000000000000"}, {"grant_id": 7}],
)  # fmt: skip
@pytest.mark.spec("RFC 8693", "2.1")
def test_an_id_token_that_is_no_good(tokens: Tokens, orders: Service, exchanges: Any, more: dict[str, Any]) -> None:
    exchanges(RULES["ID tokens"])
    value, type_ = tokens.make("an ID token of this service", orders.client)
    claims = {name: said for name, said in ({**jose.unverified(value)[1]} | more).items() if said is not None}
    forged = jose.sign(claims, signing_key(default_issuer()), typ="JWT")
    assert told(orders.swap(forged, subject_token_type=type_))["error"] == "invalid_request"


def test_an_id_token_under_the_clients_own_secret_is_none_of_ours(
    tokens: Tokens, orders: Service, exchanges: Any
) -> None:
    exchanges(RULES["ID tokens"])
    value, type_ = tokens.make("an ID token of this service", orders.client)
    forged = under_secret({**jose.unverified(value)[1]}, orders.client.secret, typ="JWT")
    assert told(orders.swap(forged, subject_token_type=type_))["error"] == "invalid_request"


@pytest.mark.parametrize("type_", ["access_token", "id_token"])
@pytest.mark.spec("RFC 8693", "3")
def test_a_token_of_the_other_type_is_not_taken(tokens: Tokens, orders: Service, exchanges: Any, type_: str) -> None:
    exchanges(rule(subject_tokens=("access_token", "id_token")))
    kind = "of a person, as a JWT" if type_ == "id_token" else "an ID token of this service"
    value, _ = tokens.make(kind, orders.client)
    assert told(orders.swap(value, subject_token_type=TYPE + type_))["error"] == "invalid_request"


@pytest.mark.spec("RFC 8693", "3")
@pytest.mark.parametrize("kind", ["of a person, as a JWT", "an ID token of this service"])
def test_a_jwt_says_itself_what_it_is(tokens: Tokens, orders: Service, exchanges: Any, kind: str) -> None:
    type_ = "id_token" if "ID token" in kind else "access_token"
    for taken in ("access_token", "id_token"):
        exchanges(rule(subject_tokens=(taken,)))
        value, _ = tokens.make(kind, orders.client)
        answer = orders.swap(value, subject_token_type=TYPE + "jwt")
        assert (answer.status_code == 200) == (type_ == taken)


# -- clients as subjects -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
@pytest.mark.spec("RFC 8693", "4.3")
def test_a_client_that_is_acted_for_is_never_taken_for_a_person(
    tokens: Tokens, orders: Service, exchanges: Any, format: str
) -> None:
    exchanges(RULES["clients"], server={"access_token_format": format})
    value, _ = tokens.make("of a client", orders.client)
    new = orders.swapped(value)["access_token"]
    token = LocalVerifier().verify(new)
    assert (token.subject, token.user, token.client_id) == (None, None, "orders")
    assert token.claims["subject_client_id"] == "front" and token.claims["sub_profile"] == "service"
    said = Service("stock", STOCK).introspect(new)
    assert (said["sub"], said["client_id"], said["sub_profile"]) == ("front", "orders", "service")
    assert "username" not in said


def disabled(client: Any) -> None:
    client.is_active = False
    client.save()


def deleted(client: Any) -> None:
    delete_client(client, timezone.now())


def revoked(client: Any) -> None:
    revoke_own_tokens(client, timezone.now())


@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
@pytest.mark.parametrize("end", [disabled, deleted, revoked])
@pytest.mark.parametrize("whose", ["front", "orders"])
@pytest.mark.spec("RFC 8693", "5")
def test_what_ends_a_clients_own_tokens_ends_what_was_exchanged_for_them(
    tokens: Tokens, orders: Service, exchanges: Any, format: str, end: Callable[[Any], None], whose: str
) -> None:
    exchanges(RULES["clients"], server={"access_token_format": format})
    value, _ = tokens.make("of a client", orders.client)
    new, stock = orders.swapped(value)["access_token"], Service("stock", STOCK)
    assert stock.is_active(new)
    end(tokens.front if whose == "front" else orders.client)
    assert not stock.is_active(new)
    with pytest.raises(InvalidToken):
        LocalVerifier().verify(new)


def test_a_service_may_give_back_what_it_was_given(tokens: Tokens, orders: Service, exchanges: Any) -> None:
    value, _ = tokens.make("of a person", orders.client)
    new = orders.swapped(value)["access_token"]
    assert orders.revoke(new).status_code == 200
    stock = Service("stock", STOCK)
    assert not stock.is_active(new) and orders.is_active(value)
