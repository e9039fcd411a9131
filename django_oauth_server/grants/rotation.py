"""What holds of every refresh token, whichever grant bought it: how long it lives, and what its reuse ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django_oauth_server.errors import InvalidGrant
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Token
from django_oauth_server.storage.tokens import revoke_family


def reused(token: Token, now: datetime) -> InvalidGrant:
    """Two have *token*, and who is honest cannot be told: all that its grant bought ends (RFC 9700 section 4.14.2)."""
    return InvalidGrant(
        "The refresh token was used before.",
        detail="reuse of a refresh token that was rotated",
        aftermath=partial(revoke_family, token, now),
    )


def refresh_until(client: Client, facts: Mapping[str, Any], issuer: Issuer, now: datetime) -> datetime:
    """How long a refresh token may lie unused from now on; no longer than the session that it is bound to, as far as that is known."""
    idle = now + (client.refresh_token_lifetime or issuer.settings.refresh_token_lifetime)
    return (
        min(idle, datetime.fromtimestamp(facts["session_expires"], now.tzinfo)) if "session_expires" in facts else idle
    )
