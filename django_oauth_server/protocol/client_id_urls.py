"""Client IDs that are the address of a document which describes the client (draft-ietf-oauth-client-id-metadata-document section 3)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from django_oauth_server.protocol.hosts import is_name
from django_oauth_server.protocol.uris import check_web_uri

SCHEME: Final = "https://"
LONGEST: Final = 255
"""Characters. A longer one is kept in no row."""
_MEANT: Final = re.compile(r"https?:/", re.IGNORECASE)
_DOTS: Final = frozenset({".", ".."})


def is_client_id_url(client_id: str) -> bool:
    """Whether *client_id* can be nothing but the address of a document. Of no client that is registered here it begins so (section 7.1)."""
    return client_id.startswith(SCHEME)


def is_meant_as_url(client_id: str) -> bool:
    """Whether whoever wrote *client_id* meant the address of a document, be it well written or not."""
    return _MEANT.match(client_id) is not None


def check_client_id_url(client_id: str) -> None:
    """Raise ValueError, with the rule, unless a document may be at *client_id*.

    Client IDs are compared character by character, so a host has one spelling here: whoever is blocked under that spelling is blocked.
    """
    if len(client_id) > LONGEST:
        raise ValueError(f"it must have at most {LONGEST} characters")
    check_web_uri(client_id)
    if not is_client_id_url(client_id):
        raise ValueError("it must be an https address")
    parts = urlsplit(client_id)
    host = parts.hostname or ""
    if not is_name(host):
        raise ValueError("it must be at a host that has a name, without a dot at its end; people know the client by it")
    if parts.netloc not in {host, f"{host}:{parts.port}"} or parts.port == 0:
        raise ValueError("its host must be in lower case, and its port a plain number")
    if not parts.path:
        raise ValueError("it must have a path, such as https://app.example/client.json")
    if not _DOTS.isdisjoint(unquote(parts.path).split("/")):
        raise ValueError("its path must not have the segments . and ..")
