"""What a verified access token says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """What a protected view sees as `request.auth`, whatever the token's format and wherever it was verified."""

    issuer: str
    subject: str | None
    """Who allowed it. None: the client acts for itself."""
    client_id: str
    scopes: frozenset[str]
    audience: tuple[str, ...]
    """The resource servers that it is meant for (RFC 8707, RFC 9068 section 2.2)."""
    expires_at: datetime
    auth_time: datetime | None = None
    """When the person last signed in."""
    acr: str | None = None
    """How they did (OpenID Connect Core section 2)."""
    details: tuple[Mapping[str, object], ...] = ()
    confirmation: Mapping[str, str] = field(default_factory=dict)
    """The key that the token is bound to (RFC 7800). Empty: whoever bears it."""
    claims: Mapping[str, object] = field(default_factory=dict)
    """All that the token says, by claim name."""
    user: AbstractBaseUser | None = field(default=None, repr=False, compare=False)
    """The subject's user, where the authorization server stands in the same project."""
