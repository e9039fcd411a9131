"""JWT access tokens (RFC 9068), verified with the keys that their issuer publishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import TypeAlias

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import InvalidJWT, KeySet
from django_oauth_server.resource.revocations import Marked, is_announced
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.resource.verifiers.claims import cannot_verify, check_length, judged, may_be_of
from django_oauth_server.resource.verifiers.discovery import check_settings
from django_oauth_server.resource.verifiers.flights import PerProcess, Steps, adrive, drive
from django_oauth_server.resource.verifiers.http import Unreachable
from django_oauth_server.resource.verifiers.issuer_keys import IssuerKeys
from django_oauth_server.resource.verifiers.remote import RemoteVerifier
from django_oauth_server.resource.verifiers.signed import SignedToken, SignedTokens

Reader: TypeAlias = Callable[[KeySet], SignedToken]
"""What a token says, if one of the keys signed it. Raises `InvalidJWT`."""


@dataclass(frozen=True, eq=False)
class JWKSVerifier(RemoteVerifier):
    """A `TokenVerifier` for the JWTs of one issuer. Only the first request waits for the network, and one whose token names a new key.

    It opens no connection and starts no thread before it is first asked.
    """

    _: KW_ONLY
    jwks_uri: str = ""
    """Where the keys are. Empty: where the issuer's metadata says (RFC 8414)."""
    algs: Sequence[str] = jose.ALGORITHMS
    """The algorithms that are allowed (RFC 8725 section 3.1)."""
    lifetime: timedelta = timedelta(hours=1)
    """How long keys are used without being fetched anew: a key that was withdrawn verifies nothing after that."""
    stale_for: timedelta = timedelta(hours=24)
    """How much longer they are used while the issuer does not answer."""
    retry_unknown_kid: timedelta = timedelta(seconds=30)
    """How often, at most, tokens that name unknown keys cause a fetch."""
    revocation_cache: str = ""
    """A cache that is shared with the issuer, by its alias in `CACHES`, which tells of revoked tokens (the issuer's `revocation_cache`)."""
    _remote: PerProcess[IssuerKeys] = field(init=False, repr=False)
    _signed_tokens: SignedTokens = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_settings(self.ca_bundle, issuer=self.issuer, jwks_uri=self.jwks_uri or self.issuer)
        if isinstance(self.algs, str) or not self.algs or not set(self.algs) <= set(jose.ALGORITHMS):
            raise ImproperlyConfigured(f"algs {self.algs!r} must be some of {', '.join(jose.ALGORITHMS)}.")
        object.__setattr__(self, "_remote", PerProcess(self._keys))
        object.__setattr__(self, "_signed_tokens", SignedTokens(self.algs))

    @sensitive_variables()  # a report of a failure must not hold the token
    def verify(self, token: str) -> VerifiedToken:
        """RFC 9068 section 4. Raises `InvalidToken`, or `CannotVerify` where the keys cannot be had."""
        return self._unless_revoked(drive(self._steps(self._reader(token)), patience=self.patience))

    @sensitive_variables()
    async def averify(self, token: str) -> VerifiedToken:
        """The same. With the keys at hand it only computes, for less than a change of threads costs."""
        verified = await adrive(self._steps(self._reader(token)), patience=self.patience)
        if not self.revocation_cache:
            return verified
        return await sync_to_async(self._unless_revoked, thread_sensitive=False)(verified)

    def may_be_ours(self, token: str) -> bool:
        """Whether it is a JWT that names the issuer."""
        return may_be_of(token, (self.issuer,))

    def _unless_revoked(self, verified: VerifiedToken) -> VerifiedToken:
        if self.revocation_cache and is_announced(self.revocation_cache, Marked.of(verified.claims)):
            raise InvalidToken("revoked", f"client_id {verified.client_id!r}", is_ordinary=True)
        return verified

    @sensitive_variables()
    def _reader(self, token: str) -> Reader:
        """For steps, in place of the token: a report of a failure would show what they hold.

        Type, algorithm and signature are checked (RFC 9068 section 4, RFC 8725). An ID token is of another type.
        """
        check_length(token)
        if token.count(".") != 2:  # an encrypted one has more
            raise InvalidToken("not a signed JWT", f"{self.issuer} was expected to have issued one")
        return sensitive_variables()(lambda keys: self._signed_tokens.read(token, keys))

    def _steps(self, read: Reader) -> Steps[KeySet, VerifiedToken]:
        try:
            signed = yield from self._remote.get().tried(read)
        except InvalidJWT as exc:
            raise InvalidToken(
                "not a JWT access token", f"{exc}; {self.issuer} was expected to have issued it"
            ) from exc
        except Unreachable as exc:
            raise cannot_verify(self.issuer, exc) from exc
        return judged(signed.token(), self.issuer, time.time(), self.leeway.total_seconds())

    def _keys(self) -> IssuerKeys:
        return IssuerKeys(
            self.issuer,
            self.jwks_uri,
            timeout=self.timeout,
            ca_bundle=self.ca_bundle,
            lifetime=self.lifetime,
            stale_for=self.stale_for,
            retry_unknown=self.retry_unknown_kid,
        )
