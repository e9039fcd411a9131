"""What requests cause to be asked of addresses that clients named: by threads of its own, for few that wait, at the expense of the client.

Anybody can send a request that needs such an address, as often as they like, and the address may never answer. So a request waits for it only
while few others do, and for one that is known to say nothing, none does: it is asked behind the callers' backs. How long a client's addresses keep
threads busy is counted, and a client that has used up its share waits until some of it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar, cast

from cachetools import LRUCache

from django_oauth_server.outbound.memory import remembered
from django_oauth_server.resource.verifiers.flights import Flight, Flights
from django_oauth_server.resource.verifiers.http import Unreachable

_WORKERS: Final = 16
_MOST: Final = 64
"""Questions that are under way or wait for a worker."""
_SEATS: Final = 4
"""Threads that wait, for whatever question: far fewer than a worker process has."""
_BRIEFLY: Final = 0.3
"""Seconds for which anybody may wait for an address that is not known to be silent: one in good health serves a crowd."""
_SILENT_AFTER: Final = 1.0
"""Seconds after which an address that fails is one that nobody waits for the next time."""
_MOST_OF_A_CLIENT: Final = 2
"""Questions of one client that are under way."""
_SHARE: Final = 30.0
"""Seconds for which the addresses of one client may keep workers busy in a row …"""
_GIVEN_BACK: Final = 0.25
"""… and how much of a second of that comes back with every second."""
_REMEMBERED: Final = 4096

T = TypeVar("T")


class Crowded(Unreachable):
    """The address is not waited for: by too many already, or it is silent, or its client has caused too much. Asking again later may help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retry_after=1)


@dataclass(frozen=True, slots=True)
class Errand(Generic[T]):
    """A question to an address that a client named."""

    key: str
    """The same for whoever asks the same."""
    client: str
    """At whose expense it is asked."""
    ask: Callable[[], T]


class _Account:
    """What the addresses of one client have cost."""

    def __init__(self) -> None:
        self.under_way = 0
        self._spent = 0.0
        self._since = monotonic()

    def may_ask(self) -> bool:
        self._give_back()
        return self.under_way < _MOST_OF_A_CLIENT and self._spent < _SHARE

    def charge(self, seconds: float) -> None:
        self._give_back()
        self._spent += seconds

    def _give_back(self) -> None:
        now = monotonic()
        self._spent = max(0.0, self._spent - (now - self._since) * _GIVEN_BACK)
        self._since = now


class Errands:
    """Those of this process."""

    def __init__(self) -> None:
        self._flights: Flights[object] = Flights(
            "oauth-outbound", workers=_WORKERS, most=_MOST, seats=_SEATS, briefly=_BRIEFLY
        )
        self._lock = Lock()
        self._accounts: LRUCache[str, _Account] = LRUCache(_REMEMBERED)
        self._silent: LRUCache[str, None] = LRUCache(_REMEMBERED)

    def run(self, errand: Errand[T], patience: float) -> T:
        """What *errand* brings, within *patience* seconds. Raises `Crowded` where it is not waited for, and what `ask` raises."""
        with self._lock:
            flight = self._begin(errand)
            is_silent = errand.key in self._silent
        if is_silent and not flight.answer.done():
            raise Crowded("it did not answer of late, and is being asked")
        try:
            return cast("T", flight.wait(patience))
        except (Unreachable, TimeoutError) as exc:
            if flight.answer.done():
                raise
            raise Crowded(str(exc) or "it has not answered yet") from exc

    def is_under_way(self, key: str) -> bool:
        return self._flights.under_way(key) is not None

    def is_silent(self, key: str) -> bool:
        with self._lock:
            return key in self._silent

    def _begin(self, errand: Errand[T]) -> Flight[object]:
        if flight := self._flights.under_way(errand.key):
            return flight
        account = self._accounts.setdefault(errand.client, _Account())
        if not account.may_ask():
            raise Crowded(f"the addresses of {errand.client} have kept this server busy for too long")
        try:
            flight = self._flights.join(errand.key, lambda: self._ask(errand, account))
        except Unreachable as exc:
            raise Crowded(str(exc)) from exc
        account.under_way += 1
        return flight

    def _ask(self, errand: Errand[T], account: _Account) -> T:
        began, is_silent = monotonic(), False
        try:
            return errand.ask()
        except Unreachable:
            is_silent = monotonic() - began >= _SILENT_AFTER
            raise
        finally:
            self._settle(errand, account, monotonic() - began, is_silent=is_silent)

    def _settle(self, errand: Errand[T], account: _Account, took: float, *, is_silent: bool) -> None:
        with self._lock:
            account.under_way -= 1
            account.charge(took)
            if is_silent:
                self._silent[errand.key] = None
            else:
                self._silent.pop(errand.key, None)


_errands: Final = remembered(Errands)


def run(errand: Errand[T], patience: float) -> T:
    """What *errand* brings, for which few threads wait, and none longer than *patience* seconds.

    Raises `Crowded` at once for all others, and where its client has caused too much; or what `ask` raises.
    """
    return _errands.get().run(errand, patience)


def is_under_way(key: str) -> bool:
    """Whether somebody asks *key* just now."""
    return _errands.get().is_under_way(key)


def is_silent(key: str) -> bool:
    """Whether *key* was waited for in vain when it was last asked."""
    return _errands.get().is_silent(key)
