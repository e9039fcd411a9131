"""Revocations of JWTs, as a shared cache tells them: which marks a token carries, and which of them were announced."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Final, NamedTuple, Self

from django.core.cache import BaseCache

from django_oauth_server.protocol.delegation import clients_behind, grants_behind
from django_oauth_server.resource.shared_cache import shared_cache

_PREFIX: Final = "oauth_server:revoked:"
_ALL_THERE: Final = "oauth_server:revocations"
"""A key that is as old as the oldest revocation in the cache: it goes where the cache loses its memory."""
_KEPT: Final = "oauth_server:kept"


class Marked(NamedTuple):
    """What of a token a revocation may name."""

    marks: tuple[str, ...]
    """This token, its authorization and its client, and those behind it; and what the others gave before a moment."""
    issued_at: object

    @classmethod
    def of(cls, claims: Mapping[str, object]) -> Self:
        return cls(tuple(_marks(claims)), claims.get("iat"))

    def is_meant(self, before: float | None) -> bool:
        """Whether a revocation of what was issued before that moment means it; that second too, as `iat` is a whole one."""
        return not before or not isinstance(self.issued_at, (int, float)) or self.issued_at <= before


def _marks(claims: Mapping[str, object]) -> Iterator[str]:
    yield token_mark(str(claims.get("jti")))
    for client_id in {claims.get("client_id"): None} | dict.fromkeys(clients_behind(claims)):
        yield client_mark(str(claims.get("iss")), str(client_id))
        yield former_client_mark(str(claims.get("iss")), str(client_id))
    own = (claims["grant_id"],) if claims.get("grant_id") else ()
    for grant_id in (*own, *grants_behind(claims)):
        yield authorization_mark(str(grant_id))
        yield former_authorization_mark(str(grant_id))


def token_mark(jti: str) -> str:
    """Never the digest of an opaque token: a `jti` is written into logs by resource servers, and must not open anything by itself."""
    return _digest(f"jti:{jti}")


def authorization_mark(grant_id: str) -> str:
    """For good."""
    return _digest(f"grant_id:{grant_id}")


def former_authorization_mark(grant_id: str) -> str:
    """Of what it gave before a moment: the person was shut out, and may come back."""
    return _digest(f"former grant_id:{grant_id}")


def client_mark(issuer: str, client_id: str) -> str:
    """While it is disabled."""
    return _digest(f"client_id:{issuer} {client_id}")


def former_client_mark(issuer: str, client_id: str) -> str:
    """Of what was given before a moment: the client was deleted, and another may have its id."""
    return _digest(f"former client_id:{issuer} {client_id}")


def is_announced(cache: str, token: Marked) -> bool:
    """Whether *token* was revoked, as *cache* (an alias in CACHES) says: one round trip.

    A cache that is away says nothing: what else is known of revocations still holds.
    """
    keys = [_PREFIX + mark for mark in token.marks]

    def is_among_them(asked: BaseCache) -> bool:
        return any(map(token.is_meant, asked.get_many(keys).values()))

    return shared_cache(cache).ask(is_among_them, away=False)


def announce(cache: str, revocations: Mapping[str, float | None], lifetime: timedelta) -> bool:
    """Tell all that share *cache* of *revocations*: each mark, with the moment before which tokens are meant, or None for all.

    False where the cache is away.
    """
    values = {_PREFIX + mark: before or 0 for mark, before in revocations.items()}

    def tell(asked: BaseCache) -> bool:
        return not asked.set_many(values, timeout=int(lifetime.total_seconds()) + 1)

    return not values or shared_cache(cache).ask(tell, away=False)


def withdraw(cache: str, marks: Collection[str]) -> bool:
    """Tell them that *marks* are good again. False where the cache is away."""

    def tell(asked: BaseCache) -> bool:
        asked.delete_many([_PREFIX + mark for mark in marks])
        return True

    return not marks or shared_cache(cache).ask(tell, away=False)


def is_complete(cache: str) -> bool:
    """Whether *cache* still has all that it was told since `complete`; nobody can say while it is away."""
    return bool(shared_cache(cache).ask(lambda asked: asked.get(_ALL_THERE), away=True))


def keeps(cache: str) -> bool:
    """Whether *cache* keeps what it is told. Some say nothing while their server is away, and one that is a dummy keeps nothing ever."""

    def keep(asked: BaseCache) -> bool:
        asked.set(_KEPT, 1, 60)
        return bool(asked.get(_KEPT) == 1)

    return shared_cache(cache).ask(keep, away=False)


def complete(cache: str) -> None:
    """*cache* was told of everything."""
    shared_cache(cache).ask(lambda asked: asked.set(_ALL_THERE, True, None), away=None)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
