"""Which sources there are, by dotted string: none is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.module_loading import import_string

from django_oauth_server.adoption.source import Source

SOURCES: Final[Mapping[str, str]] = {
    "oauth_toolkit": "django_oauth_server.adoption.oauth_toolkit.OAuthToolkit",
    "allauth_idp": "django_oauth_server.adoption.allauth_idp.AllauthIdP",
}


def source_named(name: str) -> Source:
    """One of the package's, or a project's own, by dotted path. Raises LookupError."""
    try:
        made = import_string(SOURCES.get(name, name))
    except ImportError as exc:
        raise LookupError(name) from exc
    if not (isinstance(made, type) and issubclass(made, Source)):
        raise LookupError(name)
    return made()
