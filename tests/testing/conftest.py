"""The fixtures of the package, as a project that uses it has them."""

from __future__ import annotations

from django_oauth_server.testing.plugin import (
    access_token,
    async_token_client,
    fake_issuer,
    oauth_client_app,
    token_client,
)

__all__ = ["access_token", "async_token_client", "fake_issuer", "oauth_client_app", "token_client"]
