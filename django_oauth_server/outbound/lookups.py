"""The addresses of hosts, by the system's resolver, which knows of no deadline and holds a thread for as long as it likes."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from ipaddress import ip_address
from threading import Lock, Thread
from typing import Final

from cachetools import LRUCache

from django_oauth_server.resource.verifiers.flights import PerProcess
from django_oauth_server.resource.verifiers.http import Unreachable

_MOST: Final = 32
"""Names that are looked up at a time."""
_MOST_NEW: Final = 24
"""Of those, names that never answered: the others are kept for names that did."""
_MOST_OF_A_SITE: Final = 4
"""Of those again, names under one domain: whoever has one can make up as many as they like, all of them slow."""
_REMEMBERED: Final = 4096


class Lookups:
    """Each name is looked up once, however many ask for it. Names that never answer hold up no others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way: dict[str, Future[list[str]]] = {}
        self._answered: LRUCache[str, None] = LRUCache(_REMEMBERED)

    def find(self, host: str, port: int, seconds: float) -> list[str]:
        """The addresses of *host*. Raises OSError where it has none, or not within *seconds*, and `Unreachable` at the limit."""
        return self._join(host, port).result(seconds)

    def _join(self, host: str, port: int) -> Future[list[str]]:
        with self._lock:
            if known := self._under_way.get(host):
                return known
            if len(self._under_way) >= _MOST or (host not in self._answered and self._is_crowded(host)):
                raise Unreachable("too many names are being looked up", retry_after=1)
            answer = self._under_way[host] = Future()
        # Daemons: a process that ends waits for no name.
        Thread(target=self._ask, args=(host, port, answer), name="oauth-resolver", daemon=True).start()
        return answer

    def _is_crowded(self, host: str) -> bool:
        new = [other for other in self._under_way if other not in self._answered]
        return len(new) >= _MOST_NEW or sum(_site(other) == _site(host) for other in new) >= _MOST_OF_A_SITE

    def _ask(self, host: str, port: int, answer: Future[list[str]]) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as exc:  # UnicodeError, for one
            self._land(host)
            answer.set_exception(exc)
        else:
            self._land(host, answered=True)
            answer.set_result([str(at[0]).partition("%")[0] for *_, at in found])

    def _land(self, host: str, *, answered: bool = False) -> None:
        with self._lock:
            del self._under_way[host]
            if answered:
                self._answered[host] = None


lookups: Final = PerProcess(Lookups)


def _site(host: str) -> str:
    """The last two labels: often what one owner has, and never less."""
    try:
        ip_address(host)
    except ValueError:
        return ".".join(host.rstrip(".").split(".")[-2:])
    return host
