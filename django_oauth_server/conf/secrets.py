"""The secrets of the deployment from which all else is derived."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.utils.encoding import force_bytes

from django_oauth_server.conf.settings import IssuerSettings


def key_material(settings: IssuerSettings) -> tuple[bytes, ...]:
    """The current secret, then the former ones."""
    if settings.key_encryption_key:
        return tuple(map(force_bytes, (settings.key_encryption_key, *settings.key_encryption_key_fallbacks)))
    return tuple(map(force_bytes, (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)))
