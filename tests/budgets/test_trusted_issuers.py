"""What an assertion of an issuer elsewhere costs the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.budgets.test_statements import statements
from tests.factories import UserFactory
from tests.flow import Flow
from tests.trusted_issuers.idp import JWT_BEARER, agent, assertion, linked, trusting

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow(settings: Any) -> Flow:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting()
    return Flow(agent(), Browser())


def cost(flow: Flow, status: int = 200, **said: Any) -> list[str]:
    with statements() as made:
        response = flow.token(grant_type=JWT_BEARER, assertion=assertion(**said), scope="notes:read")
    assert response.status_code == status
    return made


def test_an_assertion(flow: Flow) -> None:
    linked(UserFactory())
    cost(flow)
    assert cost(flow) == ["SELECT linkedidentity", "SELECT authorization", "INSERT usedassertion", "INSERT token"]


def test_the_first_one_of_a_person(flow: Flow) -> None:
    linked(UserFactory())
    assert cost(flow)[-4:] == ["SELECT authorization", "INSERT authorization", "INSERT usedassertion", "INSERT token"]


def test_what_proves_nothing_asks_nobody_but_who_the_client_is(flow: Flow) -> None:
    cost(flow, 400, aud="https://elsewhere.example")
    assert {"SELECT linkedidentity", "SELECT authorization"}.isdisjoint(cost(flow, 400, exp=1))
