"""What every token must say, wherever it says it: in a JWT (RFC 9068) or in an introspection response (RFC 7662)."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping

from django.views.decorators.debug import sensitive_variables

from django_oauth_server.protocol.opaque import is_one
from django_oauth_server.resource.token import MAX_LENGTH, VerifiedToken
from django_oauth_server.resource.verifiers.base import CannotVerify, InvalidToken
from django_oauth_server.resource.verifiers.http import Unreachable


def check_length(token: str) -> None:
    """Raises `InvalidToken` where *token* is too long to be looked at."""
    if len(token) > MAX_LENGTH:
        raise InvalidToken("longer than any token may be")


@sensitive_variables()  # a report of a failure must not hold the token
def unverified(token: str) -> Mapping[str, object] | None:
    """What *token* says if it is a JWT: good for finding who verifies it, and for nothing else."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = map(_decoded, parts[:2])
    return claims if header is not None and "alg" in header else None


@sensitive_variables()
def _decoded(part: str) -> Mapping[str, object] | None:
    try:
        document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


@sensitive_variables()
def may_be_of(token: str, issuers: Collection[str]) -> bool:
    """Whether *token* is a JWT that names one of *issuers*, good or not, or has the prefix of what this package hands out."""
    claims = unverified(token)
    return is_one(token) or (claims is not None and str(claims.get("iss")) in issuers)


def told(claims: Mapping[str, object], issuer: str, now: float, leeway: float) -> VerifiedToken:
    """What *claims* say, as `judged`."""
    try:
        token = VerifiedToken.from_claims(claims)
    except ValueError as exc:
        raise InvalidToken(str(exc)) from exc
    return judged(token, issuer, now, leeway)


def judged(token: VerifiedToken, issuer: str, now: float, leeway: float) -> VerifiedToken:
    """*token*, if it is of *issuer* and good at *now*, seconds since the epoch. Raises `InvalidToken`.

    *leeway*: seconds by which two clocks may differ (RFC 7519 section 4.1.4).
    """
    if token.issuer != issuer:
        raise InvalidToken("issued by another issuer", f"{token.issuer}, where {issuer} was expected")
    if not (token.client_id and token.claims.get("sub") != ""):
        raise InvalidToken("it names no client, or has an empty subject")
    if not any(token.audience):
        raise InvalidToken("it has no audience", f"issued by {issuer}")
    _check_times(token.claims, token.expires_at.timestamp(), now, leeway)
    return token


def _check_times(claims: Mapping[str, object], expires_at: float, now: float, leeway: float) -> None:
    if now >= expires_at + leeway:
        raise InvalidToken("expired", is_ordinary=True)
    for name in ("iat", "nbf"):
        past = name not in claims or _seconds(claims, name) <= now + leeway
        if not past:  # nor is NaN
            raise InvalidToken(f"its {name} is in the future", "check the clocks of both servers")


def _seconds(claims: Mapping[str, object], name: str) -> float:
    """A NumericDate (RFC 7519 section 2)."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidToken(f"the claim {name} is not a number")
    return value


def cannot_verify(issuer: str, exc: Unreachable) -> CannotVerify:
    """What the caller is told where *issuer* did not answer."""
    return CannotVerify(f"the issuer {issuer}: {exc}", retry_after=exc.retry_after or 5)
