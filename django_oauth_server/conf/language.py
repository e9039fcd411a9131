"""Where Django keeps which language a browser is spoken to in."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings as django_settings


@dataclass(frozen=True, slots=True)
class LanguageCookie:
    """Its name and path."""

    name: str
    path: str


def language_cookie() -> LanguageCookie:
    return LanguageCookie(django_settings.LANGUAGE_COOKIE_NAME, django_settings.LANGUAGE_COOKIE_PATH)
