"""The settings of machine endpoints, for speed: those of the pages without the middleware that only pages need."""

from __future__ import annotations

from settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
