"""The Basic scheme as OAuth uses it (RFC 7617, RFC 6749 section 2.3.1)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote_plus, unquote_plus


def parse_basic(credentials: str) -> tuple[str, str]:
    """Client id and secret, form-decoded. Raises ValueError where *credentials* are malformed."""
    try:
        text = binascii.a2b_base64(credentials, strict_mode=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise ValueError("not base64 of UTF-8") from exc
    encoded_id, colon, encoded_secret = text.partition(":")
    client_id = unquote_plus(encoded_id, errors="strict")
    secret = unquote_plus(encoded_secret, errors="strict")
    if not colon or "\0" in client_id + secret:
        raise ValueError("no colon, or a NUL")
    return client_id, secret


def format_basic(client_id: str, secret: str) -> str:
    """The Authorization header's value for *client_id* and *secret*."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
