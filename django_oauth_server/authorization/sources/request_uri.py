"""A request object by reference: the parameter `request_uri` (OpenID Connect Core section 6.2, RFC 9101 section 5.2)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final

from cachetools import TLRUCache
from django.utils.translation import gettext, gettext_lazy

from django_oauth_server.authorization.sources.base import Arrival, Found, RequestSource
from django_oauth_server.authorization.sources.request_object import read_request_object
from django_oauth_server.component import Document, Member, Terms
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import InvalidRequestUri, RequestUriNotSupported, TemporarilyUnavailable
from django_oauth_server.models import Client
from django_oauth_server.outbound import Crowded, Errand, Unreachable, fetch, remembered, run
from django_oauth_server.protocol.parameters import MAX_LENGTH
from django_oauth_server.protocol.uris import check_web_uri

LONGEST_KEPT: Final = 60.0
"""Seconds for which what an address answered serves other requests, at most; less where it says so."""
PAUSE: Final = 1.0
"""Seconds in which an address is not asked twice, whoever wants it and whatever it answered: anybody can name a registered one."""

_MOST_KEPT: Final = 128
_ACCEPT: Final = "application/oauth-authz-req+jwt, application/jwt"
_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def _check_request_uri(value: object, terms: Terms) -> None:
    address, mark, fingerprint = str(value).partition("#")
    try:
        check_web_uri(address)
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc
    if mark and not _FINGERPRINT.fullmatch(fingerprint):
        raise ValueError(
            gettext(
                "The fragment must be the base64url-encoded SHA-256 hash of the content (OpenID Connect Core "
                "section 6.2)."
            )
        )


class RequestByReference(RequestSource):
    """The request leads to a JWT at an address that the client has registered."""

    name = "request_uri"
    parameters = frozenset({"request_uri"})
    parameter = "request_uri"
    unsupported = RequestUriNotSupported
    client_metadata = (
        Member(
            name="request_uris",
            kind="uris",
            label=gettext_lazy("Request URIs"),
            help=gettext_lazy(
                "URIs the client's request objects may be fetched from, one per line. They must match exactly, "
                "except for the fragment."
            ),
            check=_check_request_uri,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def read(self, arrival: Arrival) -> Found:
        address, _, fragment = arrival.sent[self.parameter].partition("#")
        if address not in _registered(arrival.client):
            raise InvalidRequestUri("The parameter request_uri is not registered for this client.")
        try:
            content = _contents.get().at(address, fragment, arrival)
        except Crowded as exc:
            words = "The parameter request_uri cannot be fetched right now."
            raise TemporarilyUnavailable(words, detail=f"request_uri: {exc}") from exc
        except Unreachable as exc:
            words = "The parameter request_uri cannot be fetched."
            raise InvalidRequestUri(words, detail=f"request_uri: {exc}") from exc
        return read_request_object(content.decode(errors="replace").strip(), arrival)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"request_uri_parameter_supported": True, "require_request_uri_registration": True}


def _registered(client: Client) -> frozenset[str]:
    return frozenset(str(uri).partition("#")[0] for uri in client.metadata.get("request_uris", ()))


def _fingerprint(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class _Answer:
    content: bytes | None
    """None: there was none."""
    fragment: str
    """With which it was asked for."""
    asked_at: float
    kept_for: float

    def serves(self, fragment: str) -> bool:
        """Whether *fragment* says of nothing newer. It is no proof: clients register it before the object is made, and sign that."""
        return not fragment or fragment == self.fragment or fragment == _fingerprint(self.content or b"")


class _Contents:
    """What addresses answered a moment ago. Each is asked once, however many want it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: TLRUCache[str, _Answer] = TLRUCache(
            _MOST_KEPT, ttu=lambda _, answer, now: now + answer.kept_for, timer=monotonic
        )

    def at(self, address: str, fragment: str, arrival: Arrival) -> bytes:
        """What is at *address*; where the *fragment* is another, what was there no longer than the pause ago. Raises `Unreachable`.

        Fragments come from anybody: neither may they have the address asked without end, nor keep the client's own from being answered.
        """
        settings = arrival.issuer.settings
        key = f"{settings.issuer} {address}"  # each issuer has its own list of hosts that it may ask
        with self._lock:
            answer = self._answers.get(key)
        if answer is None or (not answer.serves(fragment) and monotonic() - answer.asked_at >= PAUSE):
            ask = partial(self._ask, key, address, fragment, settings)
            patience = settings.outbound_timeout.total_seconds() + 1
            answer = run(Errand(f"request_uri {key}", arrival.client.account, ask), patience)
        if answer.content is None:
            raise Unreachable("no answer of late")
        return answer.content

    def _ask(self, key: str, address: str, fragment: str, settings: IssuerSettings) -> _Answer:
        try:
            found = fetch(address, settings, accept=_ACCEPT, most_bytes=MAX_LENGTH)
        except Unreachable:
            self._keep(key, _Answer(None, fragment, monotonic(), PAUSE))
            raise
        kept_for = min(max(found.max_age or 0, PAUSE), LONGEST_KEPT)
        return self._keep(key, _Answer(found.body, fragment, monotonic(), kept_for))

    def _keep(self, key: str, answer: _Answer) -> _Answer:
        with self._lock:
            self._answers[key] = answer
        return answer


_contents: Final = remembered(_Contents)
