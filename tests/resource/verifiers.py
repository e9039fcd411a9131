"""A verifier that knows a few tokens by name, in place of an authorization server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.utils.asyncio import async_unsafe
from django.utils.functional import SimpleLazyObject

from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import AuthorizationServer, CannotVerify, InvalidToken

NOTES = "https://api.example/notes"
MAIL = "https://api.example/mail"


def make_token(
    scopes: str = "", *, audience: str = NOTES, subject: str | None = "alice", user: object = None
) -> VerifiedToken:
    return VerifiedToken(
        issuer="https://as.example",
        subject=subject,
        client_id="app",
        scopes=frozenset(scopes.split()),
        audience=(audience,),
        expires_at=datetime.now(UTC) + timedelta(minutes=5),
        user=user,
    )


class Person:
    """As much of a user as a protected view needs."""

    pk = 7
    is_active = is_authenticated = True
    is_anonymous = is_staff = False

    def get_username(self) -> str:
        return "alice"


class Staff(Person):
    is_staff = is_superuser = True

    def has_perms(self, *asked: object) -> bool:
        return True


def fetch_person() -> Person:
    """As a database does: refuse to block an event loop."""
    return async_unsafe("fetched in the loop")(Person)()


def known_token(token: str) -> VerifiedToken:
    if token == "expired":
        raise InvalidToken("expired")
    if token == "outage":
        raise CannotVerify("the issuer is down", retry_after=7)
    known = {
        "reader": make_token("notes:read", user=Person()),
        "writer": make_token("notes:read notes:write", user=Person()),
        "client": make_token("notes:read", subject=None),
        "bare": make_token(),
        "stranger": make_token("notes:read", audience="https://elsewhere.example"),
        "lazy": make_token("notes:read", user=SimpleLazyObject(fetch_person)),
        "soon": replace(make_token("notes:read"), expires_at=datetime.now(UTC) + timedelta(milliseconds=50)),
        "staff": make_token(user=Staff()),
        "mail": make_token("notes:read", audience=MAIL),
    }
    if token not in known:
        raise InvalidToken("unknown")
    return known[token]


class KnownTokens:
    default_audience = NOTES

    def authorization_servers(self) -> list[AuthorizationServer]:
        return [AuthorizationServer("https://as.example")]

    def verify(self, token: str) -> VerifiedToken:
        return known_token(token)

    async def averify(self, token: str) -> VerifiedToken:
        return known_token(token)


class WithoutDefault(KnownTokens):
    default_audience = ""
