"""An OpenID Provider under the profile that offers all of OpenID Connect Core, and a relying party that may use it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.keys.signing import published_keys
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow

RESPONSE_TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"]


@pytest.fixture
def openid_connect(settings: Any) -> None:
    """Implicit and hybrid are offered, and confidential clients may go without PKCE."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}


@pytest.fixture
def relying_party(db: None) -> Any:
    return ClientFactory(
        metadata__grant_types=["authorization_code", "implicit", "refresh_token"],
        metadata__response_types=RESPONSE_TYPES,
        metadata__redirect_uris=["https://rp.example/callback"],
    )


@pytest.fixture
def rp(browser: Browser, relying_party: Any) -> Flow:
    """The whole figure for the relying party."""
    return Flow(relying_party, browser)


def read(id_token: str) -> dict[str, Any]:
    """The claims of an ID token, its signature verified with the published keys."""
    return jose.verify(id_token, published_keys(default_issuer()), typ="JWT")
