"""In which language a person is spoken to (`ui_locales`, OpenID Connect Core section 3.1.2.1)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.utils.translation import get_supported_language_variant, override

from django_oauth_server.protocol.parameters import Parameters

_MOST = 20
"""How many tags are looked at."""


def ui_language(params: Parameters) -> str:
    """The first language of `ui_locales` that the project speaks; empty where it speaks none of them, which is no error."""
    for tag in params.get("ui_locales", "").split()[:_MOST]:
        try:
            return get_supported_language_variant(tag.lower())
        except LookupError:
            continue
    return ""


def speaking(language: str) -> AbstractContextManager[None]:
    """Pages are in *language*, where it is one; else as the project has it."""
    return override(language) if language else nullcontext()
