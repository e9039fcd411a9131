"""From which server of the same project clients and tokens are adopted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionSettings:
    """Taking over from another authorization server of the same project (`manage.py adopt`)."""

    source: str = ""
    """`oauth_toolkit`, or the dotted path of your own source: its tokens and codes count. Metadata name its addresses while its app is installed."""


def project_setting(name: str, usual: Any) -> Any:
    """A setting of another app of the project, which a source goes by."""
    return getattr(settings, name, usual)
