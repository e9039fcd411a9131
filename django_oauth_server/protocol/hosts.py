"""Names of hosts, as they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

_NAME: Final = re.compile(r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")

_DEVIATING: Final = frozenset("\u00df\u03c2\u200c\u200d")
"""What RFC 3490, as Python has it, takes for something else or for nothing: ß, ς and the two joiners (UTS 46 section 7)."""


def is_name(host: str) -> bool:
    """Whether *host* is a name in small letters, without a dot at its end. What ends in a number is an address."""
    return _NAME.fullmatch(host) is not None


def host_of(uri: str) -> str:
    """The host of *uri*, in small letters and without the dot that may end it. Empty where it names none."""
    try:
        return (urlsplit(uri).hostname or "").rstrip(".")
    except ValueError:
        return ""


def read_host(typed: str) -> str:
    """The host that somebody *typed*, be it as an address, as it is compared: in small letters, a name in another script encoded (RFC 5890).

    Raises `ValueError`, also for a name that RFC 3490 encodes as another than browsers do: it has to be typed as it is encoded.
    """
    address = typed.strip()
    parts = urlsplit(address if "://" in address else f"//{address}")
    name = (parts.hostname or "").rstrip(".")
    host = name if name.isascii() else name.encode("idna").decode("ascii")
    if not _DEVIATING.isdisjoint(name) or parts.port is not None or "@" in parts.netloc or not is_name(host):
        raise ValueError("it is not the name of a host")
    return host


def with_parents(host: str) -> Iterator[str]:
    """*host* and the domains that it is below, the nearest first."""
    while host:
        yield host
        host = host.partition(".")[2]
