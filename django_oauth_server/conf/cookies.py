"""Django's own cookies, as the project names them."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings


def session_path() -> str:
    """The path of the session's cookie: that of the project, where several share a host."""
    return settings.SESSION_COOKIE_PATH


def session_key(cookies: Mapping[str, str]) -> str:
    """The key of the session with which the browser came; empty where it came with none."""
    return cookies.get(settings.SESSION_COOKIE_NAME, "")
