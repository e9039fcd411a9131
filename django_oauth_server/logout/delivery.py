"""Telling relying parties over the back channel that a session ended (OpenID Connect Back-Channel Logout section 2.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import OAuthError
from django_oauth_server.logout.token import logout_token
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.outbound import Unreachable, post_form
from django_oauth_server.protocol.log import get_log
from django_oauth_server.registry import issuer_named
from django_oauth_server.resource.verifiers.flights import PerProcess
from django_oauth_server.storage.logout_deliveries import (
    DELIVERED,
    FAILED,
    WAITING,
    back_off,
    claim,
    give_up,
    put_off,
    resume,
    settle,
)

ATTEMPTS: Final = 12
"""Then a delivery is given up, whatever other deliveries to the same address came to."""
LONGEST_WAIT: Final = timedelta(hours=6)
"""After which a delivery is given up when its address fails once more, however seldom it was that delivery's turn."""
LEASE: Final = timedelta(minutes=2)
"""After which a delivery whose sender never came back is anybody's again. Longer than any request to a relying party."""
_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_DOUBLINGS: Final = 10
_AT_ONCE: Final = 16
_TO_WHO_FAILED: Final = 8
"""Of those, at most: the others are for addresses that answer."""
_TO_ONE: Final = 4
"""Of those, to one address, once it has answered. Until then it is sent one, so that one that is dead holds one sender."""
_GLANCE: Final = 0.25
"""Seconds after which it is looked for what else is due, while addresses are waited for."""
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
    asked: bool = True
    """False: nothing was sent, so that the address neither answered nor failed."""


def deliver_due(clock: Callable[[], datetime] = timezone.now) -> int:
    """Send all that is due, a few at once. Returns how many attempts were made. Safe beside others who do the same."""
    return _Round(clock).run()


class _Round:
    """Sends what is due until nothing is. No delivery waits for one to another client: a sender that has become free is used at once."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._flying: dict[Future[Outcome], LogoutDelivery] = {}
        self._answered: set[int] = set()
        """The clients that answered in this round, so that they may be sent several at once."""
        self._doubtful: set[Future[Outcome]] = set()
        """To clients whose addresses failed when they were last asked."""

    def run(self) -> int:
        made = 0
        while (sent := self._send_more()) or self._flying:
            made += sent
            for one in wait(self._flying, 0 if sent else _GLANCE, FIRST_COMPLETED).done:
                self._doubtful.discard(one)
                self._landed(self._flying.pop(one), one.result())
        return made

    def _send_more(self) -> int:
        """To who is not known to fail, and then to who may have recovered. Returns how many."""
        sent = self._send(_AT_ONCE - len(self._flying), failed=False)
        doubtful = self._send(min(_TO_WHO_FAILED - len(self._doubtful), _AT_ONCE - len(self._flying)), failed=True)
        self._doubtful.update(doubtful)
        return len(sent) + len(doubtful)

    def _send(self, most: int, *, failed: bool) -> list[Future[Outcome]]:
        now = self._clock()
        claimed = claim(now, LEASE, most, busy=self._busy(), failed=failed) if most > 0 else []
        under_way = {_senders.get().submit(_send, _letter(one, now)): one for one in claimed}
        self._flying.update(under_way)
        return list(under_way)

    def _busy(self) -> set[int]:
        """The clients that are sent no more for now."""
        sent = Counter(one.client_id for one in self._flying.values())
        return {client for client, number in sent.items() if number >= (_TO_ONE if client in self._answered else 1)}

    def _landed(self, one: LogoutDelivery, outcome: Outcome) -> None:
        if outcome.state == WAITING:
            self._answered.discard(one.client_id)
        elif outcome.asked and one.client_id not in self._answered:
            self._answered.add(one.client_id)
            resume(one.client)
        _note(one, outcome, self._clock())


def _letter(one: LogoutDelivery, now: datetime) -> Letter | Outcome:
    client = one.client
    if one.attempts > ATTEMPTS:
        return Outcome(FAILED, "whoever tried to tell it did not come back", asked=False)
    if not client.is_active or not client.backchannel_logout_uri:
        return Outcome(FAILED, "the app is disabled, or has no address for it any more", asked=False)
    try:
        issuer = issuer_named(client.issuer)
        token = logout_token(client, one.person, one.sid, issuer, now)
    except LookupError:
        return Outcome(FAILED, "its issuer is not in the settings any more", asked=False)
    except (OAuthError, ImproperlyConfigured) as exc:
        return Outcome(WAITING, f"no token can be signed: {exc}", asked=False)
    return Letter(client.backchannel_logout_uri, token, issuer.settings)


def _send(letter: Letter | Outcome) -> Outcome:
    """2xx is success; 400 says that the token is refused for good (section 2.8). Whatever else may be different next time."""
    if isinstance(letter, Outcome):
        return letter
    try:
        status = post_form(letter.url, {"logout_token": letter.token}, letter.settings)
    except Unreachable as exc:
        return Outcome(WAITING, str(exc))
    if 200 <= status < 300:
        return Outcome(DELIVERED)
    return Outcome(FAILED if status == 400 else WAITING, f"it answered {status}")


def _note(one: LogoutDelivery, outcome: Outcome, now: datetime) -> None:
    reason = outcome.reason[:200]
    if outcome.state == WAITING:
        again = now + _pause(one.attempts)
        if outcome.asked:
            again = max(again, back_off(one.client, now, _pause))
            late = give_up(one.client, now - LONGEST_WAIT, reason, now)
            _log_untold(one, late, reason)
        if one.attempts < ATTEMPTS and (one.retried_at or one.created_at) >= now - LONGEST_WAIT:
            put_off(one, reason, again)
            return
    if outcome.state != DELIVERED:
        _log_untold(one, 1, reason)
    settle(one, DELIVERED if outcome.state == DELIVERED else FAILED, reason, now)


def _log_untold(one: LogoutDelivery, number: int, reason: str) -> None:
    if number:
        logger.warning("Client %s was not notified of %d sign-outs: %s", one.client.client_id, number, reason)


def _pause(failures: int) -> timedelta:
    """Twice as long each time, and no two alike: relying parties that were down together are not all asked at once."""
    longest: timedelta = min(_FIRST_PAUSE * (1 << min(failures - 1, _DOUBLINGS)), _LONGEST_PAUSE)
    return longest * uniform(0.5, 1)  # noqa: S311 - spreads the attempts; nobody need not guess it
