"""How long refusals are kept for whoever asks why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalSettings:
    """Refusals that the admin shows, by the reference that an error page or a JSON answer has."""

    kept_for: timedelta = timedelta(days=30)
    """How long a refusal can be looked up in the admin. Zero: refusals are only logged."""
