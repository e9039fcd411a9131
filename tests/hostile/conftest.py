"""Somebody who means no good, and a server that holds something worth taking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client as Browser

from django_oauth_server.models.refusal import Refusal
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, generate
from django_oauth_server.storage.refusals import OF_ONE_PROCESS
from tests.factories import AuthorizationFactory, ClientFactory, TicketFactory, TokenFactory, UserFactory
from tests.flow import Flow


def everything() -> list[Any]:
    """Every row of every table, but for what is noted of refusals: operators look them up, and nothing is decided by them. Of these
    there are few, whatever is sent."""
    assert Refusal.objects.count() <= OF_ONE_PROCESS.count
    kept = [model for model in apps.get_models() if model is not Refusal]
    return [(model, row) for model in kept for row in model._default_manager.order_by("pk").values()]


@pytest.fixture
def caller(db: None, settings: Any) -> Flow:
    """A confidential client that may use every grant, and a browser that shows 500s instead of raising them."""
    settings.ROOT_URLCONF = "tests.hostile.urls"
    user, browser = UserFactory(), Browser(raise_request_exception=False)
    browser.force_login(user)
    client = ClientFactory(metadata__grant_types=["authorization_code", "refresh_token", "client_credentials"])
    allowed = AuthorizationFactory(client=client, user=user)
    TicketFactory(authorization=allowed)
    TokenFactory(authorization=allowed)
    TokenFactory(authorization=allowed, kind="refresh", value=generate(REFRESH_TOKEN))
    flow = Flow(client, browser)
    flow.server = Browser(raise_request_exception=False)
    return flow


@pytest.fixture
def unchanged(caller: Flow) -> Iterator[None]:
    """Whatever the test sends, no row comes, goes or changes."""
    before = everything()
    yield
    assert everything() == before
