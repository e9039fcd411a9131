"""How devices without a browser are let in (RFC 8628)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_PATH: Final = re.compile(r"(?!\.)[A-Za-z0-9._~-]+(/(?!\.)[A-Za-z0-9._~-]+)*/?")

_LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class DeviceSettings:
    """The device authorization grant (RFC 8628), for clients that are registered for it."""

    enabled: bool = True
    """Whether the grant is offered."""
    path: str = "device"
    """Path of the page on which people enter the code, below the issuer's own path. People type it, so keep it short."""
    code_lifetime: timedelta = timedelta(minutes=10)
    """How long a code can be entered and redeemed."""
    interval: timedelta = timedelta(seconds=5)
    """How long a device waits between two polls, at least. One that polls faster is told to wait five seconds longer each time."""

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise ValueError("path must be a path such as 'device', without a slash or dot at its beginning.")
        if self.interval < timedelta(seconds=1):
            raise ValueError("interval must be at least one second.")
        if self.code_lifetime < timedelta(minutes=1):
            raise ValueError("code_lifetime must be at least one minute: people have to find the page and type.")
        if self.code_lifetime > _LONGEST:
            raise ValueError("code_lifetime must be at most one day: a code is short, and waits to be guessed.")
        if self.interval >= self.code_lifetime:
            raise ValueError(
                "interval must be shorter than code_lifetime: the device would come when the code has expired."
            )
