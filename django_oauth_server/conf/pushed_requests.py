"""How long what clients push is kept, and how much of it (RFC 9126)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_LONGEST: Final = timedelta(minutes=10)
"""FAPI 2.0 Security Profile section 5.3.2.2 asks for less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequestSettings:
    """Pushed authorization requests (RFC 9126)."""

    required: bool = False
    """Whether every client has to push its authorization requests. Clients and policies can demand it, too."""
    lifetime: timedelta = timedelta(seconds=90)
    """How long a client may take to send the person after it pushed a request: less than ten minutes."""
    most_of_one_client: int = 10_000
    """About how many unanswered requests are kept of a client. The oldest are dropped first."""

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.lifetime < _LONGEST:
            raise ValueError("lifetime must be at least a second and less than ten minutes.")
        if self.most_of_one_client < 1:
            raise ValueError("most_of_one_client must be at least 1.")
