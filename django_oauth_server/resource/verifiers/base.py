"""What every verifier of access tokens answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from django_oauth_server.resource.token import VerifiedToken


class InvalidToken(Exception):
    """The access token is not good. What is said of it is for the log, and never holds the token; the client is not told it.

    *kind* is the same for all tokens that are wrong in the same way, *detail* what differs, such as the audience. *is_ordinary*: clients meet it
    where nothing is wrong, as when a token has expired.
    """

    def __init__(self, kind: str, detail: str = "", *, is_ordinary: bool = False) -> None:
        self.reason = f"{kind}: {detail}" if detail else kind
        super().__init__(self.reason)
        self.kind = kind
        self.is_ordinary = is_ordinary


class CannotVerify(Exception):
    """Whether the access token is good cannot be found out now: who could tell does not answer.

    Told to the client as 503, never as `invalid_token`: it would throw away a good token.
    """

    def __init__(self, reason: str, *, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        """Seconds."""


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """Where a client gets an access token, as resource metadata (RFC 9728) and API schemas tell it."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """What it offers, each with the words that a person reads."""


class TokenVerifier(Protocol):
    """Answers one question: what does this access token say, if it is good now?

    It is made once and called by many threads. It checks what is the issuer's to say (signature or record, expiry,
    revocation). Its caller compares the audience (RFC 9700 section 2.3).
    """

    @property
    def default_audience(self) -> str:
        """The audience expected where the deployment names no resource. Empty: the deployment must name one."""
        ...

    def authorization_servers(self) -> Sequence[AuthorizationServer]:
        """Those whose tokens it verifies. May ask them for their metadata; what is not known is left empty."""
        ...

    def verify(self, token: str) -> VerifiedToken:
        """Raises `InvalidToken` unless *token* is good, `CannotVerify` where that cannot be told."""
        ...

    async def averify(self, token: str) -> VerifiedToken:
        """The same, without blocking the event loop."""
        ...


@runtime_checkable
class Discerning(Protocol):
    """What a `TokenVerifier` may say besides, for the setting `leave_foreign_tokens`."""

    def may_be_ours(self, token: str) -> bool:
        """Whether *token*, good or not, may have come from one of its authorization servers. Asks nobody, and says yes where it cannot tell."""
        ...


@runtime_checkable
class Offering(Protocol):
    """What a `TokenVerifier` may say besides, for `manage.py check`."""

    def offered_scopes(self, resource: str) -> Collection[str]:
        """All scopes that a token for *resource* can have; for any resource, where that is empty. None: nobody gets such a token. Asks nobody."""
        ...
