"""How often a client may ask in vain, or for what fills a table. What else it asks rightly is always answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.http import HttpRequest

from django_oauth_server.clients.throttling import limit, source_of
from django_oauth_server.errors import InvalidGrant, TooManyRequests
from django_oauth_server.grants.base import TokenRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.failures import Limit, note_failure, seconds_to_wait


@contextmanager
def failures_counted(request: TokenRequest, *, guessable: bool) -> Iterator[None]:
    """A code, refresh token or password that proves nothing is one more; beyond the limit the client is told to wait.

    What the refusal calls for is done all the same: a replay takes back what it bought, however many there are. What is *guessable* is not
    looked at beyond the limit, or guessing would go on (RFC 6749 section 4.3.2).
    """
    if guessable and (wait := seconds_to_wait(_redemptions(request), request.now)):
        raise TooManyRequests(wait, detail="too many failed passwords")
    try:
        yield
    except InvalidGrant as exc:
        if wait := note_failure(_redemptions(request), request.now):
            raise TooManyRequests(wait, detail=str(exc), aftermath=exc.aftermath) from exc
        raise


def _redemptions(request: TokenRequest) -> tuple[Limit, ...]:
    return _limits("redemption", request.client, request.http, request.issuer)


def count(throttle: str, what: str, client: Client, http: HttpRequest, issuer: Issuer, now: datetime) -> None:
    """One more of *what*, for the log, of *client* from this address. Raises `TooManyRequests` where that is one too many."""
    if wait := note_failure(_limits(throttle, client, http, issuer), now):
        raise TooManyRequests(wait, detail=what)


def _limits(throttle: str, client: Client, http: HttpRequest, issuer: Issuer) -> tuple[Limit, ...]:
    return limit(throttle, issuer, client.client_id, source_of(http, issuer))
