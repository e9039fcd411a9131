"""JWT access tokens whose signature was good: a client presents one token many times, and a signature does not change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from cachetools import LRUCache

from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import InvalidJWT, KeySet
from django_oauth_server.resource.revocations import Marked
from django_oauth_server.resource.token import REQUIRED_CLAIMS, VerifiedToken

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_MOST_KEPT: Final = 1024  # some megabytes


@dataclass(frozen=True, slots=True)
class SignedToken:
    """What a token says whose signature was good, read once. Whether it has expired, was revoked or is meant for us is not said."""

    keys: KeySet
    """Which were found to have signed it. Other keys know nothing of it."""
    marked: Marked
    issuer: str
    expires_at: float
    """Seconds since the epoch."""
    _token: VerifiedToken
    _nested: str
    """The claims as JSON, where one is an object or a list."""

    @classmethod
    def of(cls, claims: dict[str, object], keys: KeySet) -> Self:
        """Raises `InvalidJWT` where a claim is absent, or of another type than its section says."""
        if absent := REQUIRED_CLAIMS - claims.keys():
            raise InvalidJWT(f"it lacks the claims {', '.join(sorted(absent))} (RFC 9068 section 2.2)")
        try:
            token = VerifiedToken.from_claims(claims)
        except ValueError as exc:
            raise InvalidJWT(str(exc)) from exc
        is_nested = any(isinstance(value, (dict, list)) for value in claims.values())
        nested = json.dumps(claims) if is_nested else ""
        return cls(keys, Marked.of(claims), token.issuer, token.expires_at.timestamp(), token, nested)

    def token(self, user: AbstractBaseUser | None = None) -> VerifiedToken:
        """Anew each time, so that no caller can change what another one sees."""
        if self._nested:
            return VerifiedToken.from_claims(json.loads(self._nested), user=user)
        return self._token.again(claims={**self._token.claims}, confirmation={}, user=user)

    def claim(self, name: str) -> object:
        """One that is no object and no list."""
        return self._token.claims.get(name)

    @property
    def is_a_persons(self) -> bool:
        return self._token.subject is not None


class SignedTokens:
    """A bounded memory, by digests: no token is kept, and nothing of one that was refused."""

    def __init__(self, algs: Collection[str] = jose.ALGORITHMS) -> None:
        """*algs*: the algorithms that are allowed."""
        self._algs = algs
        self._known: LRUCache[bytes, SignedToken] = LRUCache(_MOST_KEPT)
        self._lock = Lock()

    def recall(self, token: str) -> SignedToken | None:
        """What is known of *token*, by whichever keys."""
        digest = _digest(token)
        with self._lock:
            try:
                return self._known[digest]
            except KeyError:
                return None

    def read(self, token: str, keys: KeySet) -> SignedToken:
        """*token*, if one of *keys* signed it as an access token (RFC 9068 section 4, RFC 8725). Raises `InvalidJWT`."""
        known = self.recall(token)
        if known is None or known.keys is not keys:
            known = SignedToken.of(jose.verify(token, keys, algs=self._algs, typ="at+jwt"), keys)
            with self._lock:
                self._known[_digest(token)] = known
        return known


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
