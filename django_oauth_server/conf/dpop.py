"""How the authorization server judges DPoP proofs (RFC 9449)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

_LONGEST_WINDOW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DPoPSettings:
    """DPoP at the authorization server (RFC 9449)."""

    nonces: Literal["off", "offered", "required"] = "off"
    """Whether proofs have to contain a nonce of this server (section 8). `offered`: clients are told nonces, and may still leave them out."""
    nonce_lifetime: timedelta = timedelta(minutes=10)
    """How long a nonce is accepted at most, and at least half of that."""
    window: timedelta = timedelta(minutes=5)
    """How long after its `iat` a proof is accepted (section 11.1)."""
    cache: str = ""
    """The alias of a cache that all processes share, to note which proofs were used. Empty: the database does, with one statement for each proof."""

    def __post_init__(self) -> None:
        if not timedelta() < self.window <= _LONGEST_WINDOW:
            raise ValueError("window must be longer than nothing, and a day at most.")
        if not self.nonce_lifetime:
            raise ValueError("nonce_lifetime must be longer than nothing.")
