"""A client's logo, as this server has fetched it: the person's browser tells another site nothing before they agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final

from cachetools import TLRUCache

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.models import Client
from django_oauth_server.outbound import Errand, Unreachable, fetch, remembered, run

MOST_KEPT: Final = 16 * 1024 * 1024
"""Bytes of memory in each process, for the pictures that were looked at last."""
GLANCE: Final = 0.25
"""Seconds for which somebody who looks waits for it, and few do. Then the next one who looks sees it."""

_MOST_BYTES: Final = 256 * 1024
_EACH: Final = 1024
"""What a place costs beside its picture."""
_KEPT: Final = timedelta(days=1).total_seconds()
_NOT_ASKED_AGAIN: Final = timedelta(minutes=10).total_seconds()
_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
"""By which a picture is known, whatever it is called. Nothing that could hold a script."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a kind that browsers only draw."""

    content_type: str
    body: bytes


def logo_of(client: Client, uri: str, settings: IssuerSettings) -> Picture | None:
    """Its logo at *uri*; None where it has none there, where it cannot be had, and where it is not there yet.

    It is fetched by a thread of its own, and takes the place of the one that the client had before: no client fills the memory by itself.
    """
    member = _member(client, uri)
    return _pictures.get().of(client, member, uri, settings) if member else None


@dataclass(frozen=True, slots=True)
class _Found:
    uri: str
    picture: Picture | None
    """None: there was none."""

    @property
    def size(self) -> int:
        return _EACH + (len(self.picture.body) if self.picture else 0)

    @property
    def kept_for(self) -> float:
        return _KEPT if self.picture else _NOT_ASKED_AGAIN


class _Pictures:
    """Those that were looked at last: in this process, and not in a cache that others need for more than pictures of strangers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: TLRUCache[str, _Found] = TLRUCache(
            MOST_KEPT,
            ttu=lambda _, found, now: now + found.kept_for,
            timer=monotonic,
            getsizeof=lambda found: found.size,
        )

    def of(self, client: Client, member: str, uri: str, settings: IssuerSettings) -> Picture | None:
        place = f"{settings.issuer} {client.client_id} {member}"
        with self._lock:
            found = self._found.get(place)
        if found is None or found.uri != uri:
            errand = Errand(f"logo {place} {uri}", client.account, partial(self._fetch, place, uri, settings))
            try:
                found = run(errand, GLANCE)
            except Unreachable:
                return None
        return found.picture

    def _fetch(self, place: str, uri: str, settings: IssuerSettings) -> _Found:
        """Raises `Unreachable`, which is remembered as well."""
        try:
            found = _Found(uri, _picture(fetch(uri, settings, accept="image/*", most_bytes=_MOST_BYTES).body))
        except Unreachable:
            self._keep(place, _Found(uri, None))
            raise
        self._keep(place, found)
        return found

    def _keep(self, place: str, found: _Found) -> None:
        with self._lock:
            self._found[place] = found


_pictures: Final = remembered(_Pictures)


def _member(client: Client, uri: str) -> str:
    """Which of its members says so: it may have one for each language (RFC 7591 section 2.2). Empty: none does."""
    said = ((name, value) for name, value in client.metadata.items() if name.partition("#")[0] == "logo_uri")
    return next((name for name, value in said if value == uri), "")


def _picture(body: bytes) -> Picture | None:
    content_type = _content_type(body)
    return Picture(content_type, body) if content_type else None


def _content_type(body: bytes) -> str:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((content_type for beginning, content_type in _BEGINNINGS if body.startswith(beginning)), "")
