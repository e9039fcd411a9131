"""Proofs of possession of a key, made for one request (RFC 9449 sections 4.2, 4.3 and 8). Pure: what was presented before is for others to say."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote, urlsplit

from django_oauth_server.protocol.jose import ALGORITHMS, InvalidJWT, is_number, verify_embedded
from django_oauth_server.protocol.uris import origin

HEADER: Final = "DPoP"
NONCE_HEADER: Final = "DPoP-Nonce"
SCHEME: Final = "DPoP"
"""The authentication scheme, and the `token_type` (section 7.1)."""
MEMBER: Final = "jkt"
"""Of `cnf`: the key's SHA-256 thumbprint (section 6.1)."""
TYP: Final = "dpop+jwt"
SKEW: Final = timedelta(seconds=60)
"""How far another clock may be off: a client's ahead. FAPI 2.0 Security Profile section 5.3.2.1 asks for 10 seconds at least, and 60 at most."""

_MAX_LENGTH: Final = 8 * 1024
_LONGEST: Final = 256
"""Characters of a `jti` (section 11.1), and of a nonce."""
_THUMBPRINT: Final = re.compile(r"[\w-]{43}", re.ASCII)


class InvalidProof(ValueError):
    """The proof proves nothing. The words are for whoever wrote the client, and never hold the proof."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a good proof says."""

    thumbprint: str
    """Of the key (RFC 7638)."""
    jti: str
    issued_at: float
    nonce: str = field(default="", repr=False)
    """Which the server provided. Empty: none."""

    def lapses_at(self, window: timedelta) -> float:
        """From when on it would be refused anyway, also by a server whose clock is behind: seconds since 1970."""
        return self.issued_at + (window + SKEW).total_seconds()


def verify_proof(
    header: str,
    *,
    method: str,
    url: str | Collection[str],
    now: datetime,
    window: timedelta,
    algs: Collection[str] = ALGORITHMS,
    ath: str | None = None,
) -> Proof:
    """The proof in the DPoP *header* of a request by *method* to *url*, made no longer than *window* ago (section 4.3).

    *url*: or several, where the same thing is known by each.
    *ath*: the `token_hash` of what is presented with it at a protected resource. Raises `InvalidProof`, whatever *header* is.
    """
    if "," in header:  # how servers join headers that are sent twice; no JWT has one
        raise InvalidProof("there is more than one DPoP header")
    if len(header) > _MAX_LENGTH:
        raise InvalidProof("it is too long")
    try:
        claims, thumbprint = verify_embedded(header.strip(), algs=algs, typ=TYP)
    except InvalidJWT as exc:
        raise InvalidProof(str(exc)) from exc
    jti, nonce, issued_at = claims.get("jti"), claims.get("nonce", ""), claims.get("iat")
    if not (isinstance(jti, str) and 0 < len(jti) <= _LONGEST):
        raise InvalidProof("its jti is missing or too long")
    if claims.get("htm") != method:
        raise InvalidProof("its htm is not the method of the request")
    if not any(_is_same(claims.get("htu"), one) for one in ([url] if isinstance(url, str) else url)):
        raise InvalidProof("its htu is not the address of the request")
    if not is_number(issued_at):
        raise InvalidProof("its iat is missing or not a number")
    if not now.timestamp() - window.total_seconds() < issued_at <= now.timestamp() + SKEW.total_seconds():
        raise InvalidProof("its iat is too old or in the future")
    if ath is not None and claims.get("ath") != ath:
        raise InvalidProof("its ath is not the hash of the access token")
    if not (isinstance(nonce, str) and len(nonce) <= _LONGEST):
        raise InvalidProof("its nonce is not a string, or is too long")
    return Proof(thumbprint, jti, float(issued_at), nonce)


def is_thumbprint(value: str) -> bool:
    """Whether *value* could be the SHA-256 thumbprint of a key."""
    return _THUMBPRINT.fullmatch(value) is not None


def token_hash(access_token: str) -> str:
    """The value of `ath` (section 4.2)."""
    return _base64url(hashlib.sha256(access_token.encode()).digest())


@dataclass(frozen=True, slots=True)
class Nonces:
    """What servers have clients put into their proofs, so that none is made in advance (section 8).

    A nonce follows from a key and the time, so that nothing is written down, and every process that has the key knows it.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    """The current one, then the former ones."""
    lifetime: timedelta
    """How long one is good at most; at least half of that."""

    def current(self, now: datetime) -> str:
        """The one to hand out."""
        return _nonce(self.keys[0], self._slot(now))

    def knows(self, nonce: str, now: datetime) -> bool:
        """Whether *nonce* was handed out of late."""
        slot = self._slot(now)
        presented = nonce.encode("utf-8", "replace")
        handed_out = {_nonce(key, one).encode() for key in self.keys for one in (slot, slot - 1)}
        return any(hmac.compare_digest(one, presented) for one in handed_out)

    def _slot(self, now: datetime) -> int:
        return int(now.timestamp() // (self.lifetime.total_seconds() / 2))


def _nonce(key: bytes, slot: int) -> str:
    return _base64url(hmac.digest(key, b"DPoP nonce\0%d" % slot, "sha256")[:18])


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _is_same(htu: object, url: str) -> bool:
    """Compared without query and fragment, and after normalization (RFC 3986 sections 6.2.2 and 6.2.3).

    Paths are compared as they are decoded, since that is how servers hand them on: what was sent as `%2F` they cannot tell from a slash.
    """
    if htu == url:
        return True
    try:
        return isinstance(htu, str) and htu.isprintable() and _normalized(htu) == _normalized(url)
    except ValueError:
        return False


def _normalized(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("a user name is part of no request")
    return origin(url) + _without_dots(unquote(parts.path) or "/")


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    *folders, last = path.split("/")[1:]
    kept: list[str] = []
    for one in [*folders, last] if last not in {".", ".."} else [*folders, last, ""]:
        if one == "..":
            kept = kept[:-1]
        elif one != ".":
            kept.append(one)
    return "/" + "/".join(kept)
