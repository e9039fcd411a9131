"""The keys that something is bound to, and the keys that are shown (RFC 7800)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django_oauth_server.errors import InvalidGrant

CONFIRMATION: Final = "cnf"
"""The claim (section 3.1). Tokens keep it among their facts, tickets in their payload."""


def confirmation_of(kept: Mapping[str, object]) -> Mapping[str, str]:
    """The confirmation among what is *kept* with a token or a ticket; empty where it is bound to no key."""
    found = kept.get(CONFIRMATION)
    return found if isinstance(found, dict) else {}


def check_promise(kept: Mapping[str, object], shown: Mapping[str, str]) -> None:
    """Raise `InvalidGrant` unless *shown* has each key that a code, a refresh token or whatever else is redeemed is bound to."""
    if not is_shown(kept, shown):
        raise InvalidGrant(
            "The code or token is bound to a key, and the request does not prove possession of that key.",
            detail=f"no proof of the bound key ({', '.join(sorted(confirmation_of(kept)))})",
        )


def is_shown(kept: Mapping[str, object], shown: Mapping[str, str]) -> bool:
    """Whether *shown* has each key that what is *kept* is bound to."""
    return confirmation_of(kept).items() <= shown.items()
