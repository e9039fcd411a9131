"""Telling relying parties over the back channel that a session ended (OpenID Connect Back-Channel Logout section 2.5)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import OAuthError
from django_oauth_server.logout.token import logout_token
from django_oauth_server.models import LogoutDelivery
from django_oauth_server.outbound import Unreachable, post_form
from django_oauth_server.protocol.log import get_log
from django_oauth_server.registry import issuer_named
from django_oauth_server.resource.verifiers.flights import PerProcess
from django_oauth_server.storage.logout_deliveries import (
    DELIVERED,
    FAILED,
    WAITING,
    claim,
    put_off,
    put_off_what_is_due,
    settle,
)

ATTEMPTS: Final = 12
"""Then it is given up: with the pauses between them after some five hours."""
LEASE: Final = timedelta(minutes=2)
"""After which a delivery whose sender never came back is anybody's again. Longer than any request to a relying party."""
_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_AT_ONCE: Final = 8
_senders: Final = PerProcess(lambda: ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="oauth-logout"))

logger = get_log(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: made in the caller's thread, so that those who send need no database."""

    url: str
    token: str
    settings: IssuerSettings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. `WAITING`: it is worth another."""

    state: LogoutDelivery.State
    reason: str = ""
    answered: bool = True
    """False: the time was waited for in vain."""


def deliver_due(clock: Callable[[], datetime] = timezone.now) -> int:
    """Send all that is due, a few at once. Returns how many attempts were made. Safe beside others who do the same."""
    made = 0
    while claimed := claim(clock(), LEASE, _AT_ONCE):
        letters = [_letter(one, clock()) for one in claimed]
        for one, outcome in zip(claimed, _senders.get().map(_send, letters), strict=True):
            _note(one, outcome, clock())
        made += len(claimed)
    return made


def _letter(one: LogoutDelivery, now: datetime) -> Letter | Outcome:
    client = one.client
    if not client.is_active or not client.backchannel_logout_uri:
        return Outcome(FAILED, "the app is disabled, or has no address for it any more")
    try:
        issuer = issuer_named(client.issuer)
        token = logout_token(client, one.person, one.sid, issuer, now)
    except LookupError:
        return Outcome(FAILED, "its issuer is not in the settings any more")
    except (OAuthError, ImproperlyConfigured) as exc:
        return Outcome(WAITING, f"no token can be signed: {exc}")
    return Letter(client.backchannel_logout_uri, token, issuer.settings)


def _send(letter: Letter | Outcome) -> Outcome:
    """2xx is success; 400 says that the token is refused for good (section 2.8). Whatever else may be different next time."""
    if isinstance(letter, Outcome):
        return letter
    try:
        status = post_form(letter.url, {"logout_token": letter.token}, letter.settings)
    except Unreachable as exc:
        return Outcome(WAITING, str(exc), answered=False)
    if 200 <= status < 300:
        return Outcome(DELIVERED)
    return Outcome(FAILED if status == 400 else WAITING, f"it answered {status}")


def _note(one: LogoutDelivery, outcome: Outcome, now: datetime) -> None:
    reason, again = outcome.reason[:200], now + _pause(one.attempts)
    if not outcome.answered:
        put_off_what_is_due(one.client, now, again)
    if outcome.state == WAITING and one.attempts < ATTEMPTS:
        put_off(one, reason, again)
        return
    if outcome.state != DELIVERED:
        logger.warning("client %s was not told that a session ended: %s", one.client.client_id, reason)
    settle(one, DELIVERED if outcome.state == DELIVERED else FAILED, reason, now)


def _pause(attempts: int) -> timedelta:
    """Twice as long each time, and no two alike: relying parties that were down together are not all asked at once."""
    longest: timedelta = min(_FIRST_PAUSE * (1 << attempts - 1), _LONGEST_PAUSE)
    return longest * uniform(0.5, 1)  # noqa: S311 - spreads the attempts; nobody need not guess it
