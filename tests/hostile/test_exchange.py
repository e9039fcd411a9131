"""Rules, tokens and targets: whatever no rule allows is refused, with the error that RFC 8693 section 2.2.2 has for it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.http import HttpResponse

from tests.exchange.conftest import SETTINGS
from tests.exchange.tokens import ALLOWED, RULES, Tokens
from tests.exchange.walk import LEDGER, ORDERS, STOCK, TYPE, Service
from tests.flow import told

pytestmark = pytest.mark.django_db

TARGETS = {
    "stock": STOCK,
    "none": None,
    "another": LEDGER,
    "unknown": "https://unknown.example",
    "both": [STOCK, LEDGER],
}


@pytest.mark.spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_does_not_allow_is_refused(settings: Any, user: Any, name: str) -> None:
    settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"rules": [RULES[name]]}}
    orders, tokens = Service("orders", ORDERS), Tokens(user)
    for kind in ALLOWED:
        value, type_ = tokens.make(kind, orders.client)
        for target in TARGETS:
            answer = orders.swap(value, subject_token_type=type_, resource=TARGETS[target])
            assert outcome(answer) == expected(kind, name, target), (kind, target, answer.content)


# -- junk --------------------------------------------------------------------------------------------------------------


def jwt(header: object, claims: object, signature: str = "AAAA") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in (header, claims))
    return ".".join([*parts, signature])


ISS = "https://as.example"
JUNK = [
    "x",
    ".",
    "..",
    "...",
    "a.b.c",
    "oas_at_",
    "oas_rt_" + "x" * 43,
    "oas_at_" + "\u00fc" * 43,
    "\U0001f600",
    "x" * 8192,
    "x" * 8193,
    "e" + "." * 20,
    jwt([], {}),
    jwt({}, []),
    jwt({"alg": "none"}, {"iss": ISS, "sub": "1", "aud": "orders"}, ""),
    jwt({"alg": "none", "typ": "at+jwt"}, {"iss": ISS}, ""),
    jwt({"alg": ["ES256"], "typ": ["at+jwt"]}, {"iss": [ISS]}),
    jwt({"alg": "ES256", "typ": {"at+jwt": 1}, "kid": {"a": 1}}, {"iss": {"a": 1}}),
    jwt({"alg": "ES256", "typ": "at+jwt", "kid": "\u0000"}, {"iss": ISS, "jti": "\ud800"}),
    jwt({"alg": "HS256", "typ": "JWT"}, {"iss": ISS, "aud": "orders", "grant_id": "\u0000"}),
    jwt({"alg": "ES256", "typ": "JWT", "jku": "https://evil.example", "jwk": {}}, {"iss": ISS, "grant_id": 10**400}),
    jwt({"alg": "ES256", "crit": ["exp"], "typ": "JWT"}, {"iss": ISS, "exp": 1e400}),
    "[" * 4000,
    jwt({"alg": "ES256", "typ": "at+jwt"}, {"act": {"sub": {"act": "x" * 3000}}}),
]


@pytest.mark.parametrize("role", ["subject_token", "actor_token"])
@pytest.mark.parametrize("type_", ["access_token", "id_token", "jwt", "saml2", "", "access_token\u2028"])
def test_what_is_no_token_is_refused(settings: Any, user: Any, role: str, type_: str) -> None:
    rules = [RULES["actor tokens"] if role == "actor_token" else RULES["ID tokens"]]
    settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"rules": rules}}
    orders = Service("orders", ORDERS)
    good, _ = Tokens(user).make("of a person", orders.client)
    for value in JUNK:
        answer = orders.swap(good, **{role: value, f"{role}_type": TYPE + type_})
        assert outcome(answer) == "invalid_request", (value, answer.content)
        assert value[:40] not in told(answer)["error_description"] or len(value) < 5


def test_a_good_token_that_was_changed_is_none(settings: Any, user: Any) -> None:
    settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"rules": [RULES["people"]]}}
    orders, tokens = Service("orders", ORDERS), Tokens(user)
    for kind in ("of a person", "of a person, as a JWT"):
        good, _ = tokens.make(kind, orders.client)
        for place in {*range(0, len(good) - 2, max(len(good) // 40, 1))}:
            other = "A" if good[place] != "A" else "B"
            changed = good[:place] + other + good[place + 1 :]
            assert outcome(orders.swap(changed)) == "invalid_request", (kind, place)


def outcome(answer: HttpResponse) -> str:
    return "" if answer.status_code == 200 else told(answer)["error"]


def expected(kind: str, name: str, target: str) -> str:
    """The client first, then its token, then the target."""
    if name == "another client's":
        return "unauthorized_client"
    says_where_from = "ID token" not in kind or "ID tokens" in name
    if not says_where_from or not (ALLOWED[kind] or kind in {"for another service", "bound to the app's key"}):
        return "invalid_request"
    if target == "unknown":
        return "invalid_target"
    if name not in ALLOWED[kind]:
        return "invalid_request"
    return "" if target in {"stock", "none"} else "invalid_target"
