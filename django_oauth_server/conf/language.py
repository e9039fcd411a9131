"""Which languages the project speaks, and where Django keeps which one a browser is spoken to in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings as django_settings
from django.utils.translation import to_locale

_CATALOGUES: Final = Path(__file__).parent.parent / "locale"


@dataclass(frozen=True, slots=True)
class LanguageCookie:
    """Its name and path."""

    name: str
    path: str


def language_cookie() -> LanguageCookie:
    return LanguageCookie(django_settings.LANGUAGE_COOKIE_NAME, django_settings.LANGUAGE_COOKIE_PATH)


def spoken_languages() -> tuple[str, ...]:
    """The tags (BCP 47) of the project's languages in which the package's own texts are there; none where nothing is translated."""
    languages = [code for code, _ in django_settings.LANGUAGES] if django_settings.USE_I18N else []
    locales = [to_locale(code) for code in languages]
    return tuple(
        locale.replace("_", "-") for locale in locales if {locale, locale.partition("_")[0]} & _translated_into()
    )


@cache
def _translated_into() -> frozenset[str]:
    return frozenset({"en", *(path.name for path in _CATALOGUES.iterdir())})
