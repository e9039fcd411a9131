"""Where the metadata of a protected resource is (RFC 9728 section 3.1)."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from django.core.signals import setting_changed
from django.urls import NoReverseMatch, reverse

APP_NAME = "oauth_resource"
"""The application namespace of the resource server's URLs."""
SUFFIX = ".well-known/oauth-protected-resource"


@cache
def metadata_url(resource: str) -> str:
    """The address of *resource*'s metadata; empty where the project does not serve it, or *resource* has no host."""
    parts = urlsplit(resource)
    if not parts.netloc or not _is_served():
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{SUFFIX}{resource_path(resource)}{query}"


def resource_path(resource: str) -> str:
    """What follows the well-known suffix: the identifier's path, without a slash that ends it."""
    return urlsplit(resource).path.rstrip("/")


def _is_served() -> bool:
    try:
        reverse(f"{APP_NAME}:metadata")
    except NoReverseMatch:
        return False
    return True


def _forget(**_: object) -> None:
    metadata_url.cache_clear()


setting_changed.connect(_forget)
