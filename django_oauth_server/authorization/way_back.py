"""How somebody who is sent to another page comes back to the request that waits for them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final
from urllib.parse import quote, urlencode

from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from django_oauth_server.authorization.turn import NOTHING_DONE, PARAMETER, Turn, turn_of
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.waiting_requests import find_waiting, forget_waiting, keep_waiting

HANDLE: Final = "waiting"
"""The parameter by which an address says which request waits."""
LONGEST_ADDRESS: Final = 2048
"""Characters of an address that every sign-in page keeps (Django drops a longer `next`), escaped once more, as it stands in another address."""
LONGEST_REQUEST: Final = 16 * 1024
"""Characters of a request that can wait for a person."""
MOST_AT_ONE_BROWSER: Final = 10
_LONGEST_ESCAPE: Final = len("%F0%9F%8D%8B")
"""Characters that one takes in an address, at most."""
_COOKIE: Final = "oauth_request_"
_NUMBER: Final = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class _Handle:
    """The address says the *number*, a cookie of the browser the *key*: at another browser nobody takes the request up."""

    number: str
    key: str

    @property
    def cookie(self) -> str:
        return _COOKIE + self.number

    def value(self, issuer: Issuer) -> str:
        return f"{issuer.settings.issuer} {self.number} {self.key}"

    def notes(self, reference: Parameters, issuer: Issuer) -> bool:
        return constant_time_compare(self.key, _note(reference, issuer))


class WayBack:
    """The addresses by which the person at one browser comes back. A short request is in its address; a long one waits here."""

    def __init__(self, issuer: Issuer, endpoint: str, cookies: Mapping[str, str]) -> None:
        """*endpoint* is the name of the one that they come back to."""
        self._issuer = issuer
        self._endpoint = endpoint
        self._held = _held(cookies)
        self._new: list[_Handle] = []
        self._gone: list[_Handle] = []

    def to(self, params: Parameters, turn: Turn) -> str:
        """Path and query that make the request of *params* again, for somebody who has done what *turn* says."""
        done = [] if turn == NOTHING_DONE else [(PARAMETER, turn.seal(params, self._issuer))]
        path = f"{self._path}?{Parameters([*params.pairs(), *done]).encode()}"
        return path if len(quote(self._issuer.origin + path, safe="")) <= LONGEST_ADDRESS else self._wait(params, turn)

    def take_up(self, number: str) -> tuple[Parameters, Turn] | None:
        """The request that waits at this browser under *number*, and what was done for it."""
        for handle in self._held:
            if handle.number == number and (kept := find_waiting(handle.value(self._issuer), timezone.now())):
                return _request_of(kept)
        return None

    def remember(self, reference: Parameters) -> None:
        """This browser notes that it came with *reference* in time. At no other can somebody go on with it later."""
        if not any(handle.notes(reference, self._issuer) for handle in (*self._held, *self._new)):
            self._make_room()
            self._new.append(_Handle(_number(timezone.now()), _note(reference, self._issuer)))

    def forget(self, reference: Parameters) -> None:
        """The request of *reference* is answered. Where the answer fails after all, it can be remembered again."""
        gone = [handle for handle in self._held if handle.notes(reference, self._issuer)]
        self._gone += gone
        self._held = [handle for handle in self._held if handle not in gone]
        self._new = [handle for handle in self._new if not handle.notes(reference, self._issuer)]

    def note(self, response: HttpResponse, *, secure: bool) -> None:
        """The browser learns by *response* what is its own."""
        for handle in self._gone:
            response.delete_cookie(handle.cookie, path=self._path, samesite="Lax")
        lifetime = self._issuer.settings.interaction_lifetime
        for handle in self._new:
            response.set_cookie(
                handle.cookie, handle.key, lifetime, path=self._path, secure=secure, httponly=True, samesite="Lax"
            )

    @property
    def _path(self) -> str:
        return self._issuer.url_path(self._endpoint)

    def _wait(self, params: Parameters, turn: Turn) -> str:
        now = timezone.now()
        self._make_room()
        handle = _Handle(_number(now), secrets.token_urlsafe(32))
        kept = {"parameters": params.pairs(), "turn": turn.document()}
        keep_waiting(handle.value(self._issuer), kept, now + self._issuer.settings.interaction_lifetime)
        self._new.append(handle)
        return f"{self._path}?{urlencode({'client_id': params.get('client_id', ''), HANDLE: handle.number})}"

    def _make_room(self) -> None:
        """The oldest of this browser go first: their numbers begin with the time."""
        too_many = max(len(self._held) + len(self._new) - MOST_AT_ONE_BROWSER + 1, 0)
        if oldest := self._held[:too_many]:
            forget_waiting(handle.value(self._issuer) for handle in oldest)
            self._gone += oldest
            self._held = self._held[too_many:]


def came_before(reference: Parameters, issuer: Issuer, cookies: Mapping[str, str]) -> bool:
    """Whether this browser has noted that it came with *reference* (`WayBack.remember`)."""
    return any(handle.notes(reference, issuer) for handle in _held(cookies))


def handle_of(params: Parameters) -> str:
    """The number that *params* say; empty where they make a request of their own."""
    number = params.get(HANDLE, "")
    return number if _NUMBER.fullmatch(number) else ""


def can_wait(params: Parameters) -> bool:
    """Whether a person can be sent to another page, or shown one, and the request still be known afterwards."""
    pairs = params.pairs()
    longest = _LONGEST_ESCAPE * sum(map(len, chain.from_iterable(pairs))) + 2 * len(pairs)
    return longest <= LONGEST_REQUEST or len(params.encode()) <= LONGEST_REQUEST


def _held(cookies: Mapping[str, str]) -> list[_Handle]:
    """What *cookies* say, the oldest first."""
    return [
        _Handle(name.removeprefix(_COOKIE), key)
        for name, key in sorted(cookies.items())
        if name.startswith(_COOKIE) and _NUMBER.fullmatch(name, len(_COOKIE))
    ]


def _number(now: datetime) -> str:
    return f"{int(now.timestamp()):08x}{secrets.token_hex(8)}"


def _note(reference: Parameters, issuer: Issuer) -> str:
    """What nobody but this server can make of *reference*."""
    said = f"{issuer.settings.issuer}?{reference.encode()}"
    return salted_hmac("oauth_server.way_back", said, algorithm="sha256").hexdigest()


def _request_of(kept: Mapping[str, object]) -> tuple[Parameters, Turn]:
    pairs, turn = kept["parameters"], kept["turn"]
    assert isinstance(pairs, list) and isinstance(turn, dict)
    return Parameters((name, value) for name, value in pairs), turn_of(turn)
