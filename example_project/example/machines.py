"""The settings of a process that serves machine endpoints and the API alone, for speed: no middleware that only pages need (docs/operating.md)."""

from __future__ import annotations

from example.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []  # the proxy adds the headers that SecurityMiddleware would
