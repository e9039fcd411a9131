"""A client's logo, as this server has fetched it: the person's browser tells another site nothing before they agree."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.cache import cache

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.models import Client
from django_oauth_server.outbound import Unreachable, fetch

_MOST_BYTES: Final = 256 * 1024
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
    """Its logo at *uri*; None where it has none there, where it cannot be had, and while another request fetches it.

    It takes the place in the cache of the one that the client had before: no client fills it with ever other pictures.
    """
    member = _member(client, uri)
    if not member:
        return None
    place = f"{settings.issuer} {client.client_id} {member}"
    key = "oauth_server:logo:" + hashlib.sha256(place.encode()).hexdigest()
    found = cache.get(key)
    if (found is None and cache.add(key, (uri, "", b""), _NOT_ASKED_AGAIN)) or (found and found[0] != uri):
        found = (uri, *_fetched(uri, settings))
        cache.set(key, found, _KEPT if found[1] else _NOT_ASKED_AGAIN)
    return Picture(*found[1:]) if found and found[1] else None


def _member(client: Client, uri: str) -> str:
    """Which of its members says so: it may have one for each language (RFC 7591 section 2.2). Empty: none does."""
    said = ((name, value) for name, value in client.metadata.items() if name.partition("#")[0] == "logo_uri")
    return next((name for name, value in said if value == uri), "")


def _fetched(uri: str, settings: IssuerSettings) -> tuple[str, bytes]:
    try:
        body = fetch(uri, settings, accept="image/*", most_bytes=_MOST_BYTES).body
    except Unreachable:
        return "", b""
    return _content_type(body), body


def _content_type(body: bytes) -> str:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((content_type for beginning, content_type in _BEGINNINGS if body.startswith(beginning)), "")
