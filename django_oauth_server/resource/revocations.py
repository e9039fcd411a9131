"""Revocations of JWTs, as a shared cache tells them: which marks a token carries, and which of them were announced."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from django.core.cache import caches

logger = logging.getLogger("django_oauth_server.resource")

_PREFIX: Final = "oauth_server:revoked:"


def marks_of(claims: Mapping[str, object]) -> tuple[str, ...]:
    """What a revocation may name: this token, the authorization that it came from, its client."""
    return tuple(_marks(claims))


def _marks(claims: Mapping[str, object]) -> Iterator[str]:
    yield token_mark(str(claims.get("jti")))
    yield client_mark(str(claims.get("iss")), str(claims.get("client_id")))
    if grant_id := claims.get("grant_id"):
        yield authorization_mark(str(grant_id))


def token_mark(jti: str) -> str:
    """Never the digest of an opaque token: a `jti` is written into logs by resource servers, and must not open anything by itself."""
    return _digest(f"jti:{jti}")


def authorization_mark(grant_id: str) -> str:
    return _digest(f"grant_id:{grant_id}")


def client_mark(issuer: str, client_id: str) -> str:
    return _digest(f"client_id:{issuer} {client_id}")


def is_announced(cache: str, claims: Mapping[str, object]) -> bool:
    """Whether the token of *claims* was revoked, as *cache* (an alias in CACHES) says: one round trip.

    A cache that cannot be reached says nothing, which is logged: what else is known of revocations still holds.
    """
    try:
        found = caches[cache].get_many([_PREFIX + mark for mark in marks_of(claims)])
    except Exception:
        logger.exception("the revocation cache %r cannot be read", cache)
        return False
    return any(covers(before, claims) for before in found.values())


def announce(cache: str, revocations: Mapping[str, float | None], lifetime: timedelta) -> None:
    """Tell all that share *cache* of *revocations*: each mark, with the moment before which tokens are meant, or None for all."""
    caches[cache].set_many(
        {_PREFIX + mark: before or 0 for mark, before in revocations.items()}, timeout=int(lifetime.total_seconds()) + 1
    )


def withdraw(cache: str, mark: str) -> None:
    """Tell them that *mark* is good again."""
    caches[cache].delete(_PREFIX + mark)


def covers(before: float | None, claims: Mapping[str, object]) -> bool:
    """Whether a revocation of what was issued before that moment means the token of *claims*; that second too, as `iat` is a whole one."""
    issued_at = claims.get("iat")
    return not before or not isinstance(issued_at, (int, float)) or issued_at <= before


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
