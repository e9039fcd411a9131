"""A project that trusts an issuer elsewhere, and a client with its assertions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from tests.flow import Flow
from tests.trusted_issuers.idp import JWT_BEARER, agent, linked, trusting

Present = Callable[..., Any]


@pytest.fixture
def trust(settings: Any) -> Callable[..., None]:
    """Trust these issuers, or the usual one."""
    plain = settings.OAUTH_SERVER

    def trust(*issuers: Any, **more: Any) -> None:
        settings.OAUTH_SERVER = plain | trusting(*issuers) | more

    trust()
    return trust


@pytest.fixture
def client_app(db: None, trust: object) -> Any:
    return agent()


@pytest.fixture
def alice(user: Any, trust: object) -> Any:
    return linked(user)


@pytest.fixture
def present(client_app: Any) -> Present:
    """Present an assertion as the client."""

    def present(jwt: str, app: Any = None, **params: Any) -> Any:
        return Flow(app or client_app, Browser()).token(**({"grant_type": JWT_BEARER, "assertion": jwt} | params))

    return present
