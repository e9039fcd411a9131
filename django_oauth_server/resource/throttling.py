"""Whose requests are counted together, and a count that no outage of the cache turns into a failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django_oauth_server.protocol.opaque import digest
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.resource.token import VerifiedToken


def by_client(token: VerifiedToken) -> tuple[object, ...]:
    """Whatever the client does, for whomever."""
    return "client", token.issuer, token.client_id


def by_user_and_client(token: VerifiedToken) -> tuple[object, ...]:
    """What the client does for one person; for itself, where no person is behind the token."""
    return "user and client", token.issuer, token.client_id, token.subject


def by_authorization(token: VerifiedToken) -> tuple[object, ...]:
    """What one authorization led to: the claim `grant_id` names it. Other issuers' tokens are counted by person and client."""
    grant_id = token.claims.get("grant_id")
    if isinstance(grant_id, str) and grant_id:
        return "authorization", token.issuer, grant_id
    return by_user_and_client(token)


def key_of(parts: Iterable[object]) -> str:
    """A cache key that no two different *parts* share, whatever characters a client's id has; short and plain enough for memcached."""
    return digest(repr(tuple(parts)))


class ForgivingCache:
    """Django's default cache, as the frameworks' throttles ask it: while it is away nothing is counted, and every request goes on."""

    def get(self, key: str, default: Any = None) -> Any:
        return shared_cache("default").ask(lambda asked: asked.get(key, default), away=default)

    def set(self, key: str, value: object, timeout: float | None) -> None:
        shared_cache("default").ask(lambda asked: asked.set(key, value, timeout), away=None)


class TokenThrottle:
    """What the throttles of each framework have in common. A request without a token is left to other throttles."""

    counted_by: ClassVar[staticmethod[[VerifiedToken], tuple[object, ...]]]
    """From a token to what its requests are counted by: nothing that changes when the token is rotated."""
    cache = ForgivingCache()
    cache_format: str
    scope: str | None
    rate: str | None
    history: list[float]
    now: float
    num_requests: int
    duration: int

    def key_for(self, token: object) -> str | None:
        """Rates are counted apart, so that a burst and a daily limit can stand side by side."""
        if self.rate is None or not isinstance(token, VerifiedToken):
            return None
        return self.cache_format % {"scope": self.scope, "ident": key_of((self.rate, *self.counted_by(token)))}

    def wait(self) -> float:
        """Seconds until there is room. The frameworks' own gives up where requests that came at once were let through together."""
        if len(self.history) < self.num_requests or not self.num_requests:
            return float(self.duration)
        return self.duration - (self.now - self.history[self.num_requests - 1])
