"""Values that mean nothing to who holds them: tokens, codes, secrets, handles."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

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
_SEALED = re.compile(r"(\w{7}[\w\-]{43})([\w\-]{64})", re.ASCII)
"""What `generate` and `derive` make, and beside it 48 bytes, which 64 characters hold without one to spare: each origin has one text."""


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


class Origin(NamedTuple):
    """From which grant a value comes, and when it was made."""

    authorization: int
    family: UUID
    made_at: int
    """In seconds since the epoch."""

    @classmethod
    def of(cls, authorization: int, family: UUID, made_at: datetime) -> Origin:
        return cls(authorization, family, int(made_at.timestamp()))


def seal(value: str, origin: Origin, key: bytes, issuer: str) -> str:
    """*value*, from now on with *origin* in it, which nobody without *key* reads, makes up, or moves to another value or *issuer*.

    AES-SIV (RFC 5297) is deterministic: an honest retry gets the same text.
    """
    told = origin.authorization.to_bytes(8, "big") + origin.family.bytes + origin.made_at.to_bytes(8, "big")
    sealed = AESSIV(key).encrypt(told, [value.encode(), issuer.encode()])
    return value + base64.urlsafe_b64encode(sealed).decode()


def unseal(value: str, key: bytes, issuer: str) -> Origin | None:
    """The origin that `seal` put into *value* with *key*; None where it did not. The tag is compared in constant time."""
    if (match := _SEALED.fullmatch(value)) is None:
        return None
    before, sealed = match.groups()
    try:
        told = AESSIV(key).decrypt(base64.urlsafe_b64decode(sealed), [before.encode(), issuer.encode()])
    except InvalidTag:
        return None
    return Origin(int.from_bytes(told[:8], "big"), UUID(bytes=told[8:24]), int.from_bytes(told[24:], "big"))


def sid_for(session: str, client_id: str) -> str:
    """The `sid` by which one client knows a session of 192 random bits. Could clients compare theirs, pairwise subjects would be for nothing."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{session}\0{client_id}".encode()).digest()).rstrip(b"=").decode()


def digest(value: str) -> str:
    """What is stored in place of *value*. Plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(value.encode()).hexdigest()
