"""What a caller is told whose access token is absent or not enough (RFC 6750 section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeAlias

from django_oauth_server.protocol.scopes import format_scope

BEARER: Final = "Bearer"
"""The authentication scheme of whoever holds a token (RFC 6750 section 2.1)."""

Offered: TypeAlias = Mapping[str, Mapping[str, str]]
"""Authentication schemes, each with the parameters that it adds to a challenge."""

ONLY_BEARER: Final[Offered] = {BEARER: {}}

_TO_ESCAPE = re.compile(r'(["\\])')


@dataclass(frozen=True, slots=True)
class Challenge:
    """A refusal as a value: its status, and what its headers and its body say."""

    status: int
    error: str = ""
    description: str = ""
    scopes: frozenset[str] = frozenset()
    """All that the operation needs, so that a client has to ask the person once."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What a condition adds: `acr_values`, `max_age` (RFC 9470 section 3)."""
    resource: str = ""
    """The resource (RFC 8707) that the operation belongs to, where it names one."""
    foreign: bool = False
    """Whether the token that was presented cannot be one of ours."""
    retry_after: int = 0
    """Seconds after which to try again. With it, nothing is asked of the client."""
    scheme: str = ""
    """The authentication scheme by which a token was presented. Empty: there was none, or more than one."""
    bound: bool = False
    """Whether the operation takes only tokens that are bound to a key."""

    def header(self, realm: str, resource_metadata: str = "", offered: Offered = ONLY_BEARER) -> str:
        """The WWW-Authenticate header's value (RFC 6750 section 3, RFC 9728 section 5.1), with a challenge for each scheme that would do.

        *offered*: the schemes, each with the parameters that it adds. The error is told by the scheme that was used, by all where that is not one
        of them (RFC 9449 section 7.2). Whoever used a scheme with a proof is told of no other: they have a key, and libraries repeat the request
        only where the challenge stands alone.
        """
        told = self._told(offered)
        tellers = {self.scheme} & told.keys() or told.keys()
        return ", ".join(
            _written(
                scheme,
                {"realm": realm, **self._said(scheme in tellers), **more, "resource_metadata": resource_metadata},
            )
            for scheme, more in told.items()
        )

    def _told(self, offered: Offered) -> Offered:
        if self.scheme != BEARER and self.scheme in offered:
            return {self.scheme: offered[self.scheme]}
        with_proof = {scheme: more for scheme, more in offered.items() if scheme != BEARER}
        return with_proof if self.bound and with_proof else offered

    def _said(self, with_error: bool) -> Mapping[str, str]:
        error = {"error": self.error, "error_description": self.description} if with_error else {}
        return {**error, "scope": format_scope(self.scopes), **self.parameters}

    def body(self) -> dict[str, str]:
        """The same for those who read JSON."""
        return {
            name: value for name, value in (("error", self.error), ("error_description", self.description)) if value
        }


def _written(scheme: str, attributes: Mapping[str, str]) -> str:
    return f"{scheme} " + ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items() if value)


def _quoted(value: str) -> str:
    """As a quoted-string, RFC 9110 section 5.6.4."""
    return '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'


NO_CREDENTIALS: Final = Challenge(401)
"""RFC 6750 section 3.1: who did not try is not told of an error."""

INVALID_TOKEN: Final = Challenge(
    401, "invalid_token", "The access token is unknown, expired, revoked, or meant for another resource."
)
"""One wording for unknown, expired, revoked and meant for others, so that it tells nobody which."""

FOREIGN_TOKEN: Final = replace(INVALID_TOKEN, foreign=True)
"""The same, of what another authentication may know."""

NOT_BOUND: Final = replace(INVALID_TOKEN, description="An access token that is bound to a key is required.")
"""The token is good, and whoever stole it would have no less."""

INSUFFICIENT_SCOPE: Final = Challenge(403, "insufficient_scope", "The access token does not allow this request.")
"""RFC 6750 section 3.1: the token is good, and allows less than is needed."""

NOT_BY_ACTOR: Final = replace(
    INSUFFICIENT_SCOPE,
    description="Only a service that acts for somebody else, and may do so here, can make this request.",
)
"""No scope would help, only token exchange (RFC 8693)."""

BY_ACTOR: Final = replace(
    INSUFFICIENT_SCOPE, description="A service that acts for somebody else cannot make this request."
)
"""Nor would one here."""


def invalid_request(description: str) -> Challenge:
    """RFC 6750 section 3.1: the credentials are malformed, or sent in two ways."""
    return Challenge(400, "invalid_request", description)


def insufficient_user_authentication(acr_values: Iterable[str], max_age: timedelta | None) -> Challenge:
    """RFC 9470 section 3: the person has to sign in anew, or in a stronger way."""
    demands = {
        "acr_values": " ".join(acr_values),
        "max_age": "" if max_age is None else str(int(max_age.total_seconds())),
    }
    return Challenge(
        401,
        "insufficient_user_authentication",
        "The person must sign in again."
        if not demands["acr_values"]
        else "The person must sign in with a stronger method.",
        parameters=demands,
    )


def temporarily_unavailable(retry_after: int) -> Challenge:
    """Nobody can tell now whether the token is good."""
    words = "The access token cannot be verified right now. Try again."
    return Challenge(503, "temporarily_unavailable", words, retry_after=retry_after)
