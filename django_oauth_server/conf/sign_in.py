"""Where the project signs people in, and what it says of windows that others have opened."""

from __future__ import annotations

from typing import Final

from django.conf import settings

_SECURITY: Final = "django.middleware.security.SecurityMiddleware"


def sign_in_page() -> str:
    """A URL, or the name of one."""
    return settings.LOGIN_URL


def severs_popups() -> bool:
    """Whether the project's pages, unless they say otherwise, are cut off from the page that opened their window."""
    policy = settings.SECURE_CROSS_ORIGIN_OPENER_POLICY
    return _SECURITY in settings.MIDDLEWARE and policy not in {None, "", "unsafe-none"}


def address_languages() -> tuple[str, ...]:
    """The languages in which addresses may begin (`i18n_patterns`)."""
    return tuple(code for code, _ in settings.LANGUAGES) if settings.USE_I18N else ()


def appends_slash() -> bool:
    return bool(settings.APPEND_SLASH)
