"""Which addresses of this site are files: to load one does nothing but show it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.conf import settings


def is_file(path: str) -> bool:
    """Whether *path* is below STATIC_URL or MEDIA_URL, as a browser reads it, which takes `..` out."""
    plain = unquote(path)
    if "\\" in plain or not {".", ".."}.isdisjoint(plain.split("/")):
        return False
    prefixes = (urlsplit(url).path for url in (settings.STATIC_URL, settings.MEDIA_URL) if url)
    return any(path.startswith(prefix) for prefix in prefixes if prefix.strip("/"))
