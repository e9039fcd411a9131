"""Rules, tokens and targets: whatever no rule allows is refused, with the error that RFC 8693 section 2.2.2 has for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from tests.exchange.conftest import SETTINGS
from tests.exchange.tokens import ALLOWED, RULES, Tokens
from tests.exchange.walk import LEDGER, ORDERS, STOCK, Service
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
