"""Proof Key for Code Exchange (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import re

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def is_verifier(value: str) -> bool:
    """RFC 7636 section 4.1: 43 to 128 unreserved characters. A challenge is written alike (section 4.2)."""
    return _VERIFIER.fullmatch(value) is not None


def challenge_of(verifier: str) -> str:
    """The S256 challenge of *verifier*, RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
