"""Software statements (RFC 7591 section 2.3): what somebody who is trusted says of a client's software."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from django_oauth_server.clients.keys import verify_signed
from django_oauth_server.component import Document
from django_oauth_server.errors import InvalidClientMetadata, InvalidSoftwareStatement, UnapprovedSoftwareStatement
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.jose import ALGORITHMS, InvalidJWT, is_number, unverified

MEMBER: Final = "software_statement"
_TYPES: Final = ("", "JWT")


def apply_statement(document: Document, issuer: Issuer, now: datetime) -> tuple[Document, str]:
    """*document* with what its statement says in place of what it says itself, and the statement; empty where there is none.

    Raises `InvalidClientMetadata` where one is needed, `InvalidSoftwareStatement`, or `UnapprovedSoftwareStatement`.
    """
    statement = document.get(MEMBER)
    if not issuer.settings.software_statement_issuers:  # it is a member that nobody knows
        return document, ""
    if statement is None and issuer.settings.require_software_statement:
        raise InvalidClientMetadata(MEMBER, "A software statement is required.")
    if statement is None:
        return document, ""
    if not isinstance(statement, str):
        raise InvalidSoftwareStatement("The software statement is not a JWT.")
    claims = _claims(statement, issuer, now)
    said = {_plain(name) for name in claims}
    return {**{name: value for name, value in document.items() if _plain(name) not in said}, **claims}, statement


def _plain(name: str) -> str:
    """What *name* is a language of (RFC 7591 section 2.2): who says a member says it in all languages."""
    return name.partition("#")[0]


def _claims(statement: str, issuer: Issuer, now: datetime) -> Mapping[str, object]:
    """What *statement* says, once it is known who says it."""
    try:
        speaker = _speaker(statement, issuer)
        claims = verify_signed(statement, speaker, issuer, algs=ALGORITHMS, typ=_TYPES)
    except InvalidJWT as exc:
        raise InvalidSoftwareStatement("The software statement cannot be verified.", detail=str(exc)) from exc
    audience = claims.get("aud", issuer.settings.issuer)
    if issuer.settings.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidSoftwareStatement("The software statement is meant for another server.")
    if not _holds(claims, now):
        raise InvalidSoftwareStatement("The software statement has expired or is not valid yet.")
    return claims


def _speaker(statement: str, issuer: Issuer) -> Client:
    """Whoever the statement says has made it, with the keys that the settings have of them; nothing is stored of it."""
    name = unverified(statement)[1].get("iss")
    keys = issuer.settings.software_statement_issuers.get(name) if isinstance(name, str) else None
    if keys is None:
        raise UnapprovedSoftwareStatement("The issuer of the software statement is not trusted here.")
    return Client(metadata={"jwks_uri" if isinstance(keys, str) else "jwks": keys})


def _holds(claims: Mapping[str, object], now: datetime) -> bool:
    """RFC 7519 sections 4.1.4 and 4.1.5. A statement need not expire."""
    moment = now.astimezone(UTC).timestamp()
    expires, begins = claims.get("exp", moment + 1), claims.get("nbf", moment)
    return is_number(expires) and is_number(begins) and begins <= moment < expires
