"""From the value that somebody holds to what the server knows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.conf.moments import moment
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.grants.confirmation import CONFIRMATION
from django_oauth_server.grants.predecessor import find_foreign
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.signing import published_keys, read_signed
from django_oauth_server.models import Client, Token
from django_oauth_server.protocol import jose, opaque
from django_oauth_server.protocol.delegation import SUBJECT_CLIENT
from django_oauth_server.resource.revocations import Marked
from django_oauth_server.resource.token import MAX_LENGTH
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.resource.verifiers.signed import SignedToken, SignedTokens
from django_oauth_server.storage.revoked import is_revoked, look_again
from django_oauth_server.storage.tokens import find_token, find_token_for
from django_oauth_server.tokens.formats.base import TokenFormat

_Find: TypeAlias = Callable[[str], Token | None]
"""By the digest that is stored."""

_signed: Final = SignedTokens()


def locate(value: str, issuer: Issuer, now: datetime) -> Token | None:
    """The token of any kind whose value this is, with its client, authorization and user: one statement, or none. Whether it lives is not said.

    A JWT that was not stored, as nobody's authorization stands behind it, comes back as what would have been stored.
    """
    return _located(value, find_token, issuer, now)[0]


def locate_living(value: str, caller: Client, issuer: Issuer, now: datetime) -> Token | None:
    """The same for *caller*, who may be remembered, if it is worth anything now. A JWT that no verifier beside this server takes any more is not,
    whatever its row says. Raises `Conflict` where *caller* is not as it was remembered."""
    token, reason = locate_explained(value, caller, issuer, now)
    return None if reason else token


def locate_explained(
    value: str, caller: Client, issuer: Issuer, now: datetime, *, anew: bool = False
) -> tuple[Token | None, str]:
    """The same, dead or alive, and why it is worth nothing now, for the log; empty where it is. *anew*: revocations are read again where nothing
    else says what ended it."""
    token, signed = _located(value, partial(find_token_for, caller), issuer, now)
    if token is None:
        return None, "unknown token"
    if token.superseded_at is not None:
        return token, "token rotated"
    if anew and (token._state.adding or SUBJECT_CLIENT in token.facts):
        look_again()
    try:
        reason = ended_by(token, issuer, now)
        return token, reason or ("token revoked" if signed and is_revoked(signed.marked, issuer.settings) else "")
    except CannotVerify as exc:
        raise TemporarilyUnavailable("The server is busy. Try again.", detail=exc.reason) from exc


def ended_by(token: Token, issuer: Issuer, now: datetime) -> str:
    """Why *token* is worth nothing any more, for the log; empty while it lives. One that was exchanged hangs on clients and on people besides its
    own: whether these are still there is asked of the revocations, as for JWTs, without a statement. Raises `CannotVerify` where it cannot be."""
    reason = token.ended_by(now, password_change_revokes=issuer.settings.password_change_revokes)
    if reason or SUBJECT_CLIENT not in token.facts:
        return reason
    known = {"iss": issuer.settings.issuer, "client_id": token.client.client_id, "iat": token.issued_at.timestamp()}
    behind = Marked.of({**token.facts, **known})
    return "a client or a person behind it is gone" if is_revoked(behind, issuer.settings) else ""


def _located(value: str, find: _Find, issuer: Issuer, now: datetime) -> tuple[Token | None, SignedToken | None]:
    """The token, and what it says where it is a JWT."""
    if len(value) > MAX_LENGTH:
        return None, None
    if value.startswith((opaque.ACCESS_TOKEN, opaque.REFRESH_TOKEN)):
        found = find(opaque.digest(value))
        return (found if found and found.client.issuer == issuer.settings.issuer else None), None
    signed = signed_token(value, {issuer.settings.issuer: issuer}, now) if value.count(".") == 2 else None
    if signed:
        return _of_claims(signed.token().claims, find, issuer), signed
    foreign = find_foreign(value, issuer, now, find)
    return (foreign if foreign and foreign.client.issuer == issuer.settings.issuer else None), None


def signed_token(value: str, issuers: Mapping[str, Issuer], now: datetime) -> SignedToken | None:
    """The JWT access token that one of *issuers* signed, the one that it names, if it has not expired (RFC 9068 section 4). Asks no database."""
    known = _signed.recall(value)
    issuer = issuers.get(str(known.issuer if known else _issuer_named_in(value)))
    if issuer is None:
        return None
    if known is None or known.keys is not published_keys(issuer):
        try:
            known = read_signed(issuer, lambda keys: _signed.read(value, keys))
        except jose.InvalidJWT:
            return None
    return known if known.issuer == issuer.settings.issuer and now.timestamp() < known.expires_at else None


def _issuer_named_in(value: str) -> object:
    """Nothing of it is verified yet: it says whose keys to ask."""
    try:
        return jose.unverified(value)[1].get("iss")
    except jose.InvalidJWT:
        return None


def _of_claims(claims: Mapping[str, object], find: _Find, issuer: Issuer) -> Token | None:
    digest = issuer.components.of(TokenFormat)["at+jwt"].digest(str(claims["jti"]))
    stored = find(digest)
    if stored or claims["sub"] != claims["client_id"]:
        return stored
    client = find_client(issuer, str(claims["client_id"]))
    return _unstored(claims, client, digest) if client else None


def _unstored(claims: Mapping[str, object], client: Client, digest: str) -> Token:
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return Token(
        kind=Token.Kind.ACCESS,
        digest=digest,
        client=client,
        scope=str(claims.get("scope", "")),
        audience=audience,
        facts={name: claims[name] for name in (CONFIRMATION,) if name in claims},
        issued_at=moment(_seconds(claims["iat"])),
        expires_at=moment(_seconds(claims["exp"])),
    )


def _seconds(claim: object) -> float:
    """A NumericDate of a claim that we signed (RFC 7519 section 2)."""
    return float(str(claim))
