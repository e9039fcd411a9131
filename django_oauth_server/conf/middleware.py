"""Which middleware the project has."""

from __future__ import annotations

from django.conf import settings


def is_installed(path: str) -> bool:
    """Whether the middleware at the dotted *path* is in the project's settings."""
    return path in settings.MIDDLEWARE
