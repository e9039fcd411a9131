"""The rules as settings: a mistake fails with what to mend; and the hook, which may only refuse or narrow."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf import Exchange
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.exchange.rules import Allowed, Asked
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.registry import default_issuer
from tests.exchange.conftest import rule
from tests.exchange.walk import ORDERS, STOCK, Service
from tests.factories import ClientFactory
from tests.flow import told

Give = Callable[..., str]
SCOPES = ("stock:read",)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"client": ""}, "client_id"),
        ({"client": 7}, "client must be a string"),
        ({"subject": "people"}, "subject must be one of person, client"),
        ({"kind": "delegate"}, "kind must be one of delegation, impersonation"),
        ({"actor": "token"}, "actor must be one of client, actor_token"),
        ({"subject_tokens": ("jwt",)}, "subject_tokens must be one of access_token, id_token"),
        ({"subject_tokens": ()}, "subject_tokens is empty"),
        ({"resources": STOCK}, "resources must be a list or tuple"),
        ({"resources": ()}, "resources is empty"),
        ({"resources": ("https://*.example",)}, "no wildcards"),
        ({"scopes": ()}, "scopes is empty"),
        ({"scopes": ("*",)}, "no wildcards"),
        ({"scopes": ("",)}, "Name each value"),
        ({"scopes": ("openid", "stock:read")}, "scopes cannot have openid"),
        ({"scopes": ("offline_access",)}, "scopes cannot have offline_access"),
        ({"issued_to": ()}, "issued_to is empty"),
        ({"issued_to": ("*",)}, "no wildcards"),
        ({"issued_to": "front"}, "issued_to must be"),
        ({"subject": "client", "subject_tokens": ("id_token",)}, "never about a client"),
        ({"kind": "impersonation", "actor": "actor_token"}, "for delegation"),
        ({"require_may_act": "no"}, "require_may_act must be True or False"),
        ({"lifetime": timedelta()}, "at least one second"),
        ({"lifetime": 60}, "lifetime must be"),
    ],
)
@pytest.mark.spec("RFC 8693", "5")
def test_a_rule_that_is_wrong_says_what_is(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, ImproperlyConfigured), match=words):
        rule(**wrong)


def test_a_rule_names_its_client_resources_and_scopes() -> None:
    for missing in ("client", "resources", "scopes"):
        said = {"client": "orders", "resources": (STOCK,), "scopes": ("stock:read",)}
        del said[missing]
        with pytest.raises(TypeError, match=missing):
            Exchange(**said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"rule": ()}, "token_exchange has no 'rule'. Did you mean 'rules'?"),
        ({"rules": ({"client": "orders"},)}, "rules must be"),
        ({"most_actors": 0}, "most_actors must be from 1 to 16"),
        ({"most_actors": 17}, "most_actors must be from 1 to 16"),
    ],
)
def test_settings_that_are_wrong_stop_the_start(settings: Any, group: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"token_exchange": group}
        default_issuer()


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ({"scopes": ("stock:raed",)}, "Did you mean 'stock:read'?"),
        ({"resources": ("https://stok.example",)}, "Did you mean 'https://stock.example'?"),
        ({"scopes": ("unheard-of",)}, "Add it to scopes"),
    ],
)
def test_a_check_finds_names_that_nothing_has(exchanges: Any, more: dict[str, Any], hint: str) -> None:
    exchanges(rule(**more))
    found = [one for one in run_checks(tags=["security"]) if one.id == "oauth_server.E023"]
    assert len(found) == 1 and hint in str(found[0].hint) and "Exchange(orders" in found[0].msg


def takes_one(asked: Asked) -> Collection[str]:
    return ()


@pytest.mark.parametrize("hook", ["nowhere", "test_settings.SCOPES", "test_settings.takes_one"])
def test_a_check_finds_a_hook_that_is_not_there_or_could_not_be_asked(exchanges: Any, hook: str) -> None:
    exchanges(rule(), hook=f"tests.exchange.{hook}")
    assert "oauth_server.E021" in {one.id for one in run_checks(tags=["security"])}


def test_a_check_finds_clients_that_are_not_there_or_may_not_exchange(exchanges: Any, orders: Service) -> None:
    exchanges(rule(issued_to=("frnot",)), rule(client="stock"))
    ClientFactory(client_id="stock")
    found = [one.msg for one in run_checks(databases=["default"]) if one.id == "oauth_server.W020"]
    assert [words.partition("the client ")[2] for words in found] == [
        "frnot, which is not registered.",
        "stock, which is not registered for the grant type token-exchange.",
    ]


# -- the hook ----------------------------------------------------------------------------------------------------------

_answer: Callable[[Asked, Allowed], Collection[str]] = lambda asked, allowed: allowed.scopes  # noqa: E731


def hook(asked: Asked, allowed: Allowed) -> Collection[str]:
    return _answer(asked, allowed)


@pytest.fixture
def hooked(exchanges: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(answer: Callable[[Asked, Allowed], Collection[str]]) -> None:
        monkeypatch.setattr("tests.exchange.test_settings._answer", answer)
        exchanges(rule(), hook="tests.exchange.test_settings.hook")

    return use


def test_a_hook_takes_scopes_away_and_never_adds_one(orders: Service, given: Give, hooked: Any) -> None:
    hooked(lambda asked, allowed: {"stock:reserve", "orders:write"})
    assert orders.swapped(given("orders:write stock:read stock:reserve"))["scope"] == "stock:reserve"


def test_a_hook_that_leaves_nothing_refuses(orders: Service, given: Give, hooked: Any) -> None:
    hooked(lambda asked, allowed: ())
    assert told(orders.swap(given()))["error"] == "invalid_scope"
    kept = Refusal.objects.get()
    assert kept.rule.startswith("token_exchange: Exchange(orders")
    assert "hook leaves none of stock:read" in kept.reason


def test_a_hook_refuses_in_its_own_words(orders: Service, given: Give, hooked: Any) -> None:
    def refuse(asked: Asked, allowed: Allowed) -> Collection[str]:
        raise InvalidRequest("Stock is closed.")

    hooked(refuse)
    assert told(orders.swap(given())) == {"error": "invalid_request", "error_description": "Stock is closed."}
    assert Refusal.objects.get().rule == "token_exchange: hook tests.exchange.test_settings.hook"


@pytest.mark.parametrize("answer", [None, True, "stock:read"])
def test_a_hook_that_returns_no_collection_of_scopes_is_a_mistake_that_is_reported(
    orders: Service, given: Give, hooked: Any, answer: Any
) -> None:
    """A text is a collection of letters, none of which is a scope: everything would be refused, and nobody told why."""
    hooked(lambda asked, allowed: answer)
    with pytest.raises(TypeError, match="hook tests.exchange.test_settings.hook returned"):
        orders.swap(given())


def test_a_hook_sees_who_asks_for_what(orders: Service, given: Give, hooked: Any, user: Any) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(asked: Asked, allowed: Allowed) -> Collection[str]:
        assert asked.subject.authorization
        seen.append((asked.client.client_id, asked.subject.client.client_id, asked.subject.authorization.user))
        seen.append((allowed.targets, allowed.scopes, allowed.rule.client, asked.subject.audience))
        return allowed.scopes

    hooked(look)
    orders.swapped(given())
    assert seen == [("orders", "front", user), ((STOCK,), {"stock:read"}, "orders", (ORDERS,))]
