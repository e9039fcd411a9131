"""From which server of the same project clients and tokens are adopted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AdoptionSettings:
    """Taking over from another authorization server of the same project (`manage.py adopt`)."""

    source: str = ""
    """`oauth_toolkit` while its tables are still there: metadata name its addresses, so that going back breaks nothing. Then leave it empty."""
