"""What every verifier of access tokens answers."""

from __future__ import annotations

from typing import Protocol

from django_oauth_server.resource.token import VerifiedToken


class InvalidToken(Exception):
    """The access token is not good. *reason* is for the log, and never holds the token; the client is not told it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenVerifier(Protocol):
    """Answers one question: what does this access token say, if it is good now?

    It is made once, without arguments, and called by many threads. It checks what is the issuer's to say (signature or
    record, expiry, revocation). Its caller compares the audience (RFC 9700 section 2.3).
    """

    @property
    def default_audience(self) -> str:
        """The audience expected where the deployment names no resource. Empty: the deployment must name one."""
        ...

    def verify(self, token: str) -> VerifiedToken:
        """Raises `InvalidToken` unless *token* is good."""
        ...

    async def averify(self, token: str) -> VerifiedToken:
        """The same, without blocking the event loop."""
        ...
