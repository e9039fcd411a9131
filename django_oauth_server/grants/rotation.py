"""What holds of every refresh token, whichever grant bought it: how long it lives, how it is known again, and what its reuse ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django_oauth_server.errors import InvalidGrant
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.derivation import derivation_keys, sealing_key
from django_oauth_server.models import Client, Token
from django_oauth_server.protocol import opaque
from django_oauth_server.storage.cleanup import EXPIRED_KEPT
from django_oauth_server.storage.tokens import newest_of_family, revoke_family


def reused(token: Token, now: datetime) -> InvalidGrant:
    """Two have *token*, and who is honest cannot be told: all that its grant bought ends (RFC 9700 section 4.14.2)."""
    return InvalidGrant(
        "The refresh token was used before.",
        detail="reuse of a rotated refresh token",
        aftermath=partial(revoke_family, token, now),
    )


def with_origin(value: str, authorization: int, family: UUID, issuer: Issuer, key: bytes, now: datetime) -> str:
    """*value*, which says from now on from which grant it comes, so that it is known as one of ours when its row is gone. *key*: one of
    `derivation_keys`."""
    origin = opaque.Origin.of(authorization, family, now)
    return opaque.seal(value, origin, sealing_key(key), issuer.settings.issuer)


def kept_until(value: str, token: Token, issuer: Issuer, now: datetime) -> datetime:
    """How long the row of *token* is needed once it is rotated. If *value* says where it comes from, under the key that will be known
    longest, until no honest retry comes any more; else until it expires, since only the row tells of its reuse."""
    if opaque.unseal(value, sealing_key(derivation_keys(issuer)[0]), issuer.settings.issuer) is None:
        return token.expires_at
    return min(token.expires_at, now + issuer.settings.refresh_token_replay_window)


def successor_of(value: str, issuer: Issuer, now: datetime) -> Token | None:
    """What has come in place of *value*, which has no row: the refresh token that its family has now. None where we did not make *value*, or
    a moment ago, when its row would be there: a database that lags behind has not seen it. Asks the database for what we made alone."""
    for key in derivation_keys(issuer):
        if origin := opaque.unseal(value, sealing_key(key), issuer.settings.issuer):
            if now.timestamp() - origin.made_at < EXPIRED_KEPT / timedelta(seconds=1):
                return None
            return newest_of_family(origin.authorization, origin.family)
    return None


def refresh_until(client: Client, facts: Mapping[str, Any], issuer: Issuer, now: datetime) -> datetime:
    """How long a refresh token may lie unused from now on; no longer than the session that it is bound to, as far as that is known."""
    idle = now + (client.refresh_token_lifetime or issuer.settings.refresh_token_lifetime)
    return (
        min(idle, datetime.fromtimestamp(facts["session_expires"], now.tzinfo)) if "session_expires" in facts else idle
    )
