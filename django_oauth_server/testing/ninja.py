"""django-ninja's test clients, which send an access token."""

from __future__ import annotations

from copy import copy
from typing import Any, Self, cast

from ninja import testing

from django_oauth_server.testing.clients import TokenClientMixin
from django_oauth_server.testing.facts import Key, credentials


class _NinjaClientMixin(TokenClientMixin):
    def bearing(self, token: str, key: Key | None = None) -> Self:
        made = cast("Any", copy(self))
        made.headers = {
            **made.headers,
            "AUTHORIZATION": credentials(token, key),
        }  # which it puts into META as it stands
        made.authorized = (token, key) if key else None
        made.cookies = {}
        return cast("Self", made)

    def request(self, method: str, path: str, *args: Any, **more: Any) -> Any:
        """Every request of both clients goes through here."""
        if proof := self.proof(method, path):
            more["headers"] = {**{name.upper(): value for name, value in proof.items()}, **(more.get("headers") or {})}
        return cast("Any", super()).request(method, path, *args, **more)


class TestClient(_NinjaClientMixin, testing.TestClient):
    """django-ninja's `TestClient`."""


class TestAsyncClient(_NinjaClientMixin, testing.TestAsyncClient):
    """django-ninja's `TestAsyncClient`."""
