"""Where clients reach this project: never by the Host header, which whoever sends a request writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path


def addresses_of(resources: Sequence[str], further: Sequence[str]) -> Iterator[str]:
    """What stands before the path of every request: the origins of *resources* that are URLs, and *further*, which operators name."""
    for resource in resources:
        parts = urlsplit(resource)
        if parts.scheme in {"https", "http"} and parts.netloc:
            yield f"{parts.scheme}://{parts.netloc}"
    yield from (address.rstrip("/") for address in further)


def urls_of(request: HttpRequest, addresses: Iterable[str]) -> list[str]:
    """The URLs by which *request* may be meant.

    Under ASGI, `request.path` lacks the path where the project is mounted, if FORCE_SCRIPT_NAME says it.
    """
    mount = str(request.META.get("SCRIPT_NAME", "")).rstrip("/")
    path = request.path if request.path.startswith(f"{mount}/") else mount + request.path
    return [address + escape_uri_path(path) for address in addresses]


def is_address(value: str) -> bool:
    """Whether *value* may stand before a path."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and is_plain
