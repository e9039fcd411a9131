"""pytest fixtures: `pytest_plugins = ["django_oauth_server.testing.plugin"]` in the conftest.py of a project.

It is asked for by name, and loads in no other test run: a fixture called `access_token` belongs to the project that wants it. What needs the
authorization server's models is imported by the fixture that uses it, so that a resource server alone can have the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from django.utils.module_loading import import_string

from django_oauth_server.resource.conf import SETTING
from django_oauth_server.testing.clients import AsyncClient, Client
from django_oauth_server.testing.issuer import FakeIssuer


@pytest.fixture
def fake_issuer(settings: Any) -> FakeIssuer:
    """An issuer in this process, which the project trusts in place of its own."""
    issuer = FakeIssuer()
    setattr(settings, SETTING, issuer.setting())  # by pytest-django's fixture, which undoes all that a test sets
    return issuer


@pytest.fixture
def token_client() -> Client:
    """Django's test client, with `with_token`."""
    return Client()


@pytest.fixture
def async_token_client() -> AsyncClient:
    """Django's async test client, with `awith_token`."""
    return AsyncClient()


@pytest.fixture
def oauth_client_app(db: None) -> Any:
    """A confidential client that is registered; `oauth_client_app.secret` is its secret."""
    return import_string("django_oauth_server.testing.factories.ClientFactory")()


@pytest.fixture
def access_token(db: None) -> Callable[..., str]:
    """Issues access tokens: `access_token(scopes="notes:read", user=alice)`."""
    return cast("Callable[..., str]", import_string("django_oauth_server.testing.tokens.issue_token"))
