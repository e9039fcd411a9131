"""Values that mean nothing to who holds them: tokens, codes, secrets, handles."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

ACCESS_TOKEN: Final = "oas_at_"
REFRESH_TOKEN: Final = "oas_rt_"
CLIENT_SECRET: Final = "oas_cs_"
AUTHORIZATION_CODE: Final = "oas_ac_"
INTERACTION: Final = "oas_in_"
INITIAL_ACCESS_TOKEN: Final = "oas_ia_"
REGISTRATION_TOKEN: Final = "oas_ra_"
"""Prefixes by which a secret scanner, and a reader, know what leaked."""

_OURS: Final = "oas_"
_RANDOM = re.compile(r"[\w\-]{43}", re.ASCII)


def generate(prefix: str) -> str:
    """A new value of 256 random bits (OAuth 2.1 section 7.7 asks for 160)."""
    return prefix + secrets.token_urlsafe(32)


def is_generated(prefix: str, value: str) -> bool:
    """Whether *value* has the shape of what `generate` makes, which nobody guesses."""
    return value.startswith(prefix) and _RANDOM.fullmatch(value, len(prefix)) is not None


def is_one(value: str) -> bool:
    """Whether *value* has the prefix of something that this package hands out, whatever it is."""
    return value.startswith(_OURS)


def derive(prefix: str, key: bytes, *parts: str) -> str:
    """The value that *key* alone can make of *parts*: the same each time, and nothing without the key."""
    message = b"".join(len(raw).to_bytes(4, "big") + raw for raw in map(str.encode, (prefix, *parts)))
    return prefix + base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode()


def sid_for(session: str, client_id: str) -> str:
    """The `sid` by which one client knows a session of 192 random bits. Could clients compare theirs, pairwise subjects would be for nothing."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{session}\0{client_id}".encode()).digest()).rstrip(b"=").decode()


def digest(value: str) -> str:
    """What is stored in place of *value*. Plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(value.encode()).hexdigest()
