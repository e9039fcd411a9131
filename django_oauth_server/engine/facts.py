"""What is known before oauthlib is asked. No rows, no queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFacts:
    """The client, authenticated where the request demands it."""

    client_id: str
    grant_types: Collection[str]
    scopes: Collection[str]
    """What it may ask for."""
    default_scopes: tuple[str, ...]
    offered_scopes: Collection[str] = ()
    """What the server offers to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationFacts:
    """An authorization request whose client and redirect URI are already known to be good."""

    redirect_uri: str
    require_pkce: bool
    allow_plain_pkce: bool
    returns_code: bool = True
    """Whether the response type, which was found to be offered and registered, returns a code. Else a code challenge means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """The authorization code that was presented, and what was asked for when it was handed out."""

    refusal: str = ""
    """Why it cannot be redeemed, for operators. Empty: it exists, lives, and was handed out to this client."""
    redirect_uri: str = ""
    redirect_uri_was_sent: bool = False
    code_challenge: str = ""
    code_challenge_method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshFacts:
    """The refresh token that was presented."""

    refusal: str = ""
    """Why it cannot be redeemed, for operators. Empty: it exists, lives, and was issued to this client."""
    scopes: Collection[str] = ()
