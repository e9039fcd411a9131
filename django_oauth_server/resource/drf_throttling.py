"""REST framework throttles that count by what a token stands for, and not by the token, so that a new one begins no new count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from django_oauth_server.resource.throttling import TokenThrottle, by_authorization, by_client, by_user_and_client

if TYPE_CHECKING:
    from rest_framework.views import APIView


class TokenRateThrottle(TokenThrottle, SimpleRateThrottle):  # type: ignore[misc]  # what the two declare is one thing
    """Base of the three: a subclass sets `rate`, or its `scope` is in DEFAULT_THROTTLE_RATES."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return self.key_for(request.auth)


class ClientRateThrottle(TokenRateThrottle):
    """So many requests of one client, for all people together."""

    scope = "oauth_client"
    counted_by = staticmethod(by_client)


class UserClientRateThrottle(TokenRateThrottle):
    """So many requests of one client for one person."""

    scope = "oauth_user_client"
    counted_by = staticmethod(by_user_and_client)


class AuthorizationRateThrottle(TokenRateThrottle):
    """So many requests by one authorization."""

    scope = "oauth_authorization"
    counted_by = staticmethod(by_authorization)
