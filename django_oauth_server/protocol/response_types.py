"""Response types on the wire (RFC 6749 section 3.1.1)."""

from __future__ import annotations


def in_order(response_type: str) -> str:
    """*response_type* with its words in the order in which response types are named here: to clients, the order means nothing."""
    return " ".join(sorted(response_type.split()))
