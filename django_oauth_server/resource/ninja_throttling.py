"""django-ninja throttles that count by what a token stands for, and not by the token, so that a new one begins no new count."""

from __future__ import annotations

from threading import local

from django.http import HttpRequest
from ninja.throttling import SimpleRateThrottle

from django_oauth_server.resource.throttling import TokenThrottle, by_authorization, by_client, by_user_and_client


class TokenRateThrottle(TokenThrottle, local, SimpleRateThrottle):  # type: ignore[misc]  # what the two declare is one thing
    """Base of the three: made with a rate, or its `scope` is in NINJA_DEFAULT_THROTTLE_RATES.

    The framework keeps a request's key and count in the throttle, of which an operation has one: each thread sees its own, so that no
    request is counted as another's.
    """

    def get_cache_key(self, request: HttpRequest) -> str | None:
        return self.key_for(getattr(request, "auth", None))


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
