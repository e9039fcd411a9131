"""A key that was promised, and the key that is shown (RFC 7800)."""

from __future__ import annotations

from collections.abc import Mapping

from django_oauth_server.errors import InvalidGrant


def check_promise(promised: Mapping[str, str], shown: Mapping[str, str]) -> None:
    """Raise `InvalidGrant` unless *shown* has each key that was *promised*, for a code, a refresh token or whatever else is redeemed."""
    missing = sorted(member for member, value in promised.items() if shown.get(member) != value)
    if missing:
        raise InvalidGrant(
            "It is bound to a key, and the request does not prove possession of that key.",
            detail=f"bound to another {', '.join(missing)}",
        )
