"""Is this access token good, now? Side by side with the tables that know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.functional import SimpleLazyObject

from django_oauth_server.grants.predecessor import find_foreign
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Token
from django_oauth_server.protocol import opaque
from django_oauth_server.resource.token import MAX_LENGTH, VerifiedToken
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.resource.verifiers.claims import unverified
from django_oauth_server.resource.verifiers.signed import SignedToken
from django_oauth_server.storage.authorizations import find_authorization
from django_oauth_server.storage.revoked import is_revoked
from django_oauth_server.storage.tokens import find_token
from django_oauth_server.tokens.describe import describe
from django_oauth_server.tokens.locate import ended_by, signed_token


def verify_access_token(value: str, issuers: Mapping[str, Issuer], now: datetime) -> VerifiedToken:
    """What the access token says: one statement where it is opaque, none where it is a JWT. Raises `InvalidToken`."""
    signed = _signed(value, issuers, now)
    return _of_jwt(signed, issuers) if signed else describe(*_living(value, issuers, now))


def verify_with_authorization(value: str, issuer: Issuer, now: datetime) -> tuple[VerifiedToken, Authorization | None]:
    """The same at *issuer* itself, and who allowed what to whom; one statement, whatever the format. None: the client acts for itself."""
    issuers = {issuer.settings.issuer: issuer}
    if signed := _signed(value, issuers, now):
        verified = _of_jwt(signed, issuers)
        return verified, _behind(verified, issuer) if verified.subject else None
    token, _ = _living(value, issuers, now)
    return describe(token, issuer), token.authorization


def _signed(value: str, issuers: Mapping[str, Issuer], now: datetime) -> SignedToken | None:
    if len(value) > MAX_LENGTH:
        raise InvalidToken("longer than any token of ours")
    return signed_token(value, issuers, now) if value.count(".") == 2 else None


def _living(value: str, issuers: Mapping[str, Issuer], now: datetime) -> tuple[Token, Issuer]:
    token = _find(opaque.digest(value)) if value.startswith(opaque.ACCESS_TOKEN) else _foreign(value, issuers, now)
    issuer = issuers.get(token.client.issuer) if token else None
    if token is None or issuer is None:
        raise _unreadable(value, issuers, now) if value.count(".") == 2 else InvalidToken("unknown token")
    if reason := ended_by(token, issuer, now):
        raise InvalidToken(reason, f"client_id {token.client.client_id!r}", is_ordinary=True)
    return token, issuer


def _foreign(value: str, issuers: Mapping[str, Issuer], now: datetime) -> Token | None:
    """The token of *value* that a predecessor of one of *issuers* issued."""
    return next(filter(None, (find_foreign(value, issuer, now, _find) for issuer in issuers.values())), None)


def _find(digest: str) -> Token | None:
    return find_token(digest, Token.Kind.ACCESS)


def _behind(verified: VerifiedToken, issuer: Issuer) -> Authorization:
    """The authorization of a JWT. It is read anyway, so what ended a moment ago ends here at once."""
    found = find_authorization(str(verified.claims.get("grant_id", "")))
    if found is None:
        raise InvalidToken("unknown authorization", f"client_id {verified.client_id!r}")
    reason = found.ended_by(password_change_revokes=issuer.settings.password_change_revokes)
    if reason:
        raise InvalidToken(reason, f"client_id {verified.client_id!r}", is_ordinary=True)
    return found


def _of_jwt(signed: SignedToken, issuers: Mapping[str, Issuer]) -> VerifiedToken:
    if is_revoked(signed.marked, issuers[signed.issuer].settings):
        raise InvalidToken("revoked", f"client_id {signed.claim('client_id')!r}", is_ordinary=True)
    return signed.token(_user_when_looked_at(str(signed.claim("grant_id"))) if signed.is_a_persons else None)


def _unreadable(value: str, issuers: Mapping[str, Issuer], now: datetime) -> InvalidToken:
    """Why, as far as a token says it that nobody vouches for."""
    claims = unverified(value)
    if claims is None:
        return InvalidToken("not a JWT")
    if str(claims.get("iss")) not in issuers:
        return InvalidToken("issued by an unknown issuer", f"{claims.get('iss')!r}; known are {', '.join(issuers)}")
    expires_at = claims.get("exp")
    if isinstance(expires_at, (int, float)) and expires_at <= now.timestamp():
        return InvalidToken("expired", is_ordinary=True)
    return InvalidToken("not a JWT access token", f"{claims['iss']} did not sign it as one")


def _user_when_looked_at(grant_id: str) -> AbstractBaseUser:
    """The user, fetched when a view looks at it: verifying asks no database. Nobody, where the user was deleted or disabled since."""
    return SimpleLazyObject(lambda: _active_user(grant_id) or AnonymousUser())  # type: ignore[return-value]


def _active_user(grant_id: str) -> AbstractBaseUser | None:
    """By the authorization: `sub` may be one that only the client's sector knows."""
    found = find_authorization(grant_id)
    return found.user if found and found.user.is_active else None
