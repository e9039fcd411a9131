"""What an exchange gives (RFC 8693 section 2.2.1), and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.tokens import revoke_family
from django_oauth_server.verifier import LocalVerifier
from tests.exchange.conftest import SETTINGS, rule
from tests.exchange.walk import ORDERS, STOCK, TYPE, Service
from tests.factories import AuthorizationFactory, TokenFactory

pytestmark = pytest.mark.django_db
Give = Callable[..., str]
FORMATS = pytest.mark.parametrize("format", ["opaque", "at+jwt"])


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_a_service_is_given_a_token_for_the_service_behind_it(orders: Service, given: Give) -> None:
    answer = orders.swapped(given())
    assert answer["issued_token_type"] == TYPE + "access_token"
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "stock:read")
    assert "refresh_token" not in answer and "id_token" not in answer


@FORMATS
@pytest.mark.spec("RFC 8693", "4.1")
def test_it_says_for_whom_by_whom_and_that_it_was_exchanged(
    orders: Service, given: Give, user: Any, format: str, exchanges: Any
) -> None:
    exchanges(rule(), server={"access_token_format": format})
    token = LocalVerifier().verify(orders.swapped(given())["access_token"])
    assert (token.subject, token.client_id, token.audience) == (str(user.pk), "orders", (STOCK,))
    assert token.claims["act"] == {"sub": "orders", "sub_profile": "service"}
    assert token.claims["subject_client_id"] == "front"
    assert token.user == user


@FORMATS
@pytest.mark.spec("RFC 8693", "3")
def test_a_subject_token_of_either_format_is_taken(orders: Service, given: Give, format: str) -> None:
    assert orders.swap(given(format=format)).status_code == 200


@pytest.mark.spec("RFC 8693", "4.1")
def test_by_impersonation_it_does_not_say_that_somebody_acts(orders: Service, given: Give, exchanges: Any) -> None:
    exchanges(rule(kind="impersonation"))
    token = LocalVerifier().verify(orders.swapped(given())["access_token"])
    assert "act" not in token.claims and token.client_id == "orders"


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_it_lives_no_longer_than_what_it_was_exchanged_for(orders: Service, given: Give) -> None:
    assert orders.swapped(given(expires_in=timedelta(seconds=70)))["expires_in"] in range(50, 71)


def test_a_rule_may_shorten_it(orders: Service, given: Give, exchanges: Any) -> None:
    exchanges(rule(lifetime=timedelta(minutes=1)))
    assert orders.swapped(given())["expires_in"] in range(40, 61)


@pytest.mark.spec("RFC 8693", "4.2")
def test_what_is_asked_for_is_less_or_the_same(orders: Service, given: Give) -> None:
    both = given("orders:write stock:read stock:reserve")
    assert orders.swapped(both)["scope"] == "stock:read stock:reserve"
    assert orders.swapped(both, scope="stock:reserve")["scope"] == "stock:reserve"


@pytest.mark.spec("RFC 8693", "2.1")
def test_a_target_may_be_named_as_audience_or_be_the_only_one_of_the_rule(orders: Service, given: Give) -> None:
    for target in ({"resource": None, "audience": STOCK}, {"resource": None}, {"audience": STOCK + "/"}):
        token = orders.swapped(given(), **target)["access_token"]
        assert LocalVerifier().verify(token).audience == (STOCK,)


@pytest.mark.spec("RFC 8707", "2")
def test_it_is_for_the_target_as_the_server_writes_it_however_the_rule_does(
    orders: Service, given: Give, exchanges: Any
) -> None:
    """APIs that are not ours compare the audience letter by letter."""
    exchanges(rule(resources=(STOCK + "/",)))
    for target in (None, STOCK, STOCK + "/"):
        token = orders.swapped(given(), resource=target)["access_token"]
        assert LocalVerifier().verify(token).audience == (STOCK,)


@FORMATS
@pytest.mark.spec("RFC 8693", "4")
def test_introspection_says_the_same(orders: Service, given: Give, format: str, exchanges: Any, user: Any) -> None:
    exchanges(rule(), server={"access_token_format": format})
    token = orders.swapped(given())["access_token"]
    said = Service("stock", STOCK).introspect(token)
    assert (said["active"], said["sub"], said["client_id"]) == (True, str(user.pk), "orders")
    assert said["act"]["sub"] == "orders" and said["subject_client_id"] == "front"
    assert said["username"] == user.get_username()


@FORMATS
@pytest.mark.spec("OpenID Connect Core", "8.1")
def test_the_person_keeps_the_identifier_that_the_app_knows_them_by(
    orders: Service, front: Any, given: Give, exchanges: Any, format: str, user: Any
) -> None:
    openid = {"scopes": SETTINGS["scopes"] | OPENID_SCOPES, "pairwise_salt": "x" * 40, "access_token_format": format}
    exchanges(rule(), server=openid)
    front.metadata |= {"subject_type": "pairwise", "redirect_uris": ["https://front.example/callback"]}
    front.save()
    first = given()
    second = orders.swapped(first)["access_token"]
    known_as = orders.introspect(first)["sub"]
    assert known_as != str(user.pk)
    said = Service("stock", STOCK).introspect(second)
    assert said["sub"] == LocalVerifier().verify(second).subject == known_as
    assert "username" not in said
    assert LocalVerifier().verify(second).user == user


def test_it_says_how_the_person_signed_in_and_nothing_of_their_session(
    orders: Service, given: Give, front: Any, user: Any
) -> None:
    token = TokenFactory(
        authorization=AuthorizationFactory(client=front, user=user),
        audience=[ORDERS],
        scope="stock:read",
        facts={"auth_time": 1_700_000_000, "acr": "gold", "amr": ["otp"], "sid": "s", "session_expires": 9, "own": 1},
    )
    verified = LocalVerifier().verify(orders.swapped(token.value)["access_token"])
    assert (verified.acr, verified.claims["amr"], verified.auth_time is not None) == ("gold", ["otp"], True)
    assert not {"sid", "session_expires", "own"} & verified.claims.keys()
    kept = Token.objects.get(client__client_id="orders").facts
    assert kept.keys() == {"auth_time", "acr", "amr", "act", "subject_client_id"}


# -- what ends it ------------------------------------------------------------------------------------------------------


def end_authorization(given: str) -> None:
    revoke_authorizations(Authorization.objects.select_related("client", "user"), timezone.now())


def disable(client_id: str) -> Callable[[str], None]:
    def disabling(given: str) -> None:
        client = Client.objects.get(client_id=client_id)
        client.is_active = False
        client.save()

    return disabling


def end_family(given: str) -> None:
    revoke_family(
        Token.objects.exclude(family=None).first() or Token.objects.get(client__client_id="front"), timezone.now()
    )


def shut_out(given: str) -> None:
    person = Authorization.objects.get().user
    person.is_active = False
    person.save()


def change_password(given: str) -> None:
    person = Authorization.objects.get().user
    person.set_password("another")
    person.save()


ENDINGS = pytest.mark.parametrize(
    "end",
    [end_authorization, disable("front"), disable("orders"), shut_out, change_password, end_family],
    ids=lambda one: one.__name__,
)


@FORMATS
@ENDINGS
@pytest.mark.spec("RFC 8693", "5")
def test_what_ends_the_authorization_ends_what_was_exchanged(
    orders: Service, given: Give, format: str, exchanges: Any, end: Callable[[str], None]
) -> None:
    exchanges(rule(), server={"access_token_format": format})
    first = given()
    token = orders.swapped(first)["access_token"]
    stock = Service("stock", STOCK)
    assert stock.is_active(token)
    end(first)
    assert not stock.is_active(token)
    assert not opens(token)


def opens(token: str) -> bool:
    try:
        LocalVerifier().verify(token)
    except Exception:
        return False
    return True
