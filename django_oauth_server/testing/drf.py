"""REST framework's test client, which sends an access token."""

from __future__ import annotations

from typing import Any, Self

from rest_framework import test

from django_oauth_server.testing.clients import TokenClientMixin
from django_oauth_server.testing.facts import Key, credentials


class APIClient(TokenClientMixin, test.APIClient):
    """REST framework's `APIClient`. In an `APITestCase`: `client_class = APIClient`."""

    def bearing(self, token: str, key: Key | None = None) -> Self:
        """Nobody is authenticated by force: it would hide the token."""
        made = super().bearing(token, key)
        handler: Any = made.handler
        handler._force_user = handler._force_token = None
        made.credentials(HTTP_AUTHORIZATION=credentials(token, key))
        return made
