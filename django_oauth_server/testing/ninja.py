"""django-ninja's test clients, which send an access token."""

from __future__ import annotations

from copy import copy
from typing import Any, Self, cast

from ninja import testing

from django_oauth_server.testing.clients import TokenClientMixin


class _NinjaClientMixin(TokenClientMixin):
    def bearing(self, token: str) -> Self:
        made = cast("Any", copy(self))
        made.headers = {**made.headers, "AUTHORIZATION": f"Bearer {token}"}  # which it puts into META as it stands
        made.cookies = {}
        return cast("Self", made)


class TestClient(_NinjaClientMixin, testing.TestClient):
    """django-ninja's `TestClient`."""


class TestAsyncClient(_NinjaClientMixin, testing.TestAsyncClient):
    """django-ninja's `TestAsyncClient`."""
