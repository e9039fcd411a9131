"""How often a client may fail to prove that it is one (RFC 6749 section 2.3.1), without anybody being able to lock it out."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import Final

from django.http import HttpRequest

from django_oauth_server.conf.rates import parse_rate
from django_oauth_server.errors import InvalidClient, OAuthError, TooManyRequests
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.addresses import source
from django_oauth_server.storage.failures import Limit, note_failure, seconds_to_wait


def limit(throttle: str, issuer: Issuer, *who: str) -> tuple[Limit, ...]:
    """What the setting `throttles` says of *throttle*, for *who*; nothing where it is switched off."""
    rate = issuer.settings.throttles[throttle]
    return () if rate is None else (Limit(parse_rate(rate), (throttle, issuer.settings.issuer, *who)),)


def source_of(http: HttpRequest, issuer: Issuer) -> str:
    """Where *http* came from, by the setting `trusted_proxies`."""
    forwarded_for = http.META.get("HTTP_X_FORWARDED_FOR", "")
    return source(http.META.get("REMOTE_ADDR", ""), forwarded_for, issuer.settings.trusted_proxies)


_served: Final[ContextVar[HttpRequest | None]] = ContextVar("oauth_server_served", default=None)


class serving:
    """Whatever has to be asked of others meanwhile is asked because of *http*."""

    __slots__ = ("_before", "_http")

    def __init__(self, http: HttpRequest) -> None:
        self._http = http

    def __enter__(self) -> None:
        self._before = _served.set(self._http)

    def __exit__(self, *_: object) -> None:
        _served.reset(self._before)


def asking_address(issuer: Issuer) -> str:
    """Where the request came from that is being served. Empty where there is none, as in a command."""
    http = _served.get()
    return source_of(http, issuer) if http else ""


def check_guesses(client_id: str, http: HttpRequest, issuer: Issuer, now: datetime) -> None:
    """Raise `TooManyRequests` where a secret for *client_id* may be one guess too many. Nothing is looked up for it.

    A secret that was made here is no guess: nobody finds one of 256 bits, so it is always looked at, and costs nothing here. Who has one
    cannot be locked out. A secret that somebody chose is looked at until too many have failed from there.
    """
    if wait := seconds_to_wait(_limits(client_id, http, issuer), now):
        raise TooManyRequests(wait, detail=f"too many failed attempts with a chosen secret, client_id {client_id!r}")


def failed(
    client_id: str, detail: str, http: HttpRequest, issuer: Issuer, now: datetime, description: str = ""
) -> OAuthError:
    """What is told to a client that failed to authenticate: that, or to come back later."""
    if wait := note_failure(_limits(client_id, http, issuer), now):
        return TooManyRequests(wait, detail=detail)
    return InvalidClient(description or "Client authentication failed.", detail=detail)


def _limits(client_id: str, http: HttpRequest, issuer: Issuer) -> tuple[Limit, ...]:
    """The address first: once it is over its limit, no client ids that somebody thinks up are counted any more."""
    address = source_of(http, issuer)
    by_address = limit("client_authentication_by_address", issuer, address)
    return (*by_address, *limit("client_authentication", issuer, client_id, address))
