"""Where the metadata of a protected resource is (RFC 9728 section 3.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from django.core.signals import setting_changed
from django.urls import NoReverseMatch, get_script_prefix, reverse

APP_NAME = "oauth_resource"
"""The application namespace of the resource server's URLs."""
SUFFIX = ".well-known/oauth-protected-resource"
_MOST: Final = 1024
"""Addresses that are kept: a view may name a resource by what its caller asks for."""


def metadata_url(resource: str) -> str:
    """The address of *resource*'s metadata; empty where the project does not serve it, or *resource* has no host."""
    return _metadata_url(resource, get_script_prefix())


@lru_cache(maxsize=_MOST)
def _metadata_url(resource: str, prefix: str) -> str:
    """Below the path where the project is mounted, if *resource* is there: a mounted project can serve no more. A challenge names the address
    (RFC 9728 section 5.1), so that it may differ from the usual one.
    """
    parts = urlsplit(resource)
    if not parts.netloc or not _is_served():
        return ""
    path = resource_path(resource)
    mount = prefix.rstrip("/") if f"{path}/".startswith(prefix) else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{mount}/{SUFFIX}{path.removeprefix(mount)}{query}"


def resource_path(resource: str) -> str:
    """What follows the well-known suffix: the identifier's path, without a slash that ends it."""
    return urlsplit(resource).path.rstrip("/")


def is_at(resource: str, suffix: str) -> bool:
    """Whether *suffix*, behind the well-known one, is that of *resource*: with the path where the project is mounted, or without."""
    return resource_path(resource) in {suffix.rstrip("/"), get_script_prefix().rstrip("/") + suffix.rstrip("/")}


def _is_served() -> bool:
    try:
        reverse(f"{APP_NAME}:metadata")
    except NoReverseMatch:
        return False
    return True


def _forget(**_: object) -> None:
    _metadata_url.cache_clear()


setting_changed.connect(_forget)
