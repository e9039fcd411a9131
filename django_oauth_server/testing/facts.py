"""What a test says of a token, in the same words whoever issues it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict

from django_oauth_server.protocol.delegation import ACT, actor_claim

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from django_oauth_server.models import Client


class Key(Protocol):
    """What a token may be bound to. A test client that has it proves possession of it with each request."""

    scheme: str
    """The authentication scheme by which such a token is presented."""

    @property
    def confirmation(self) -> Mapping[str, object]:
        """The claim `cnf` (RFC 7800 section 3.1)."""
        ...

    def headers(self, method: str, path: str, token: str) -> Mapping[str, str]:
        """The proof for a request to *path*, as the view sees it (`request.path`), with *token*."""
        ...


class TokenFacts(TypedDict, total=False):
    """The arguments of `with_token` and `issue_token`."""

    scopes: str | Iterable[str]
    user: AbstractBaseUser | None
    client: Client | None
    format: Literal["", "opaque", "at+jwt"]
    audience: str | Iterable[str]
    acr: str
    auth_time: datetime | None
    expires_in: timedelta | None
    key: Key | None
    facts: Mapping[str, object] | None
    actor: str | Iterable[str]


def words(said: str | Iterable[str]) -> tuple[str, ...]:
    """Scopes or audiences, said as one string with spaces or as several."""
    return tuple(said.split() if isinstance(said, str) else said)


def bound_to(key: Key | None) -> dict[str, object]:
    """To which key it is bound, as a claim (RFC 7800). What is bound to none says nothing."""
    return {"cnf": dict(key.confirmation)} if key else {}


def acting(actor: str | Iterable[str]) -> dict[str, object]:
    """Who acts for the subject, as a claim (RFC 8693 section 4.1), and who did before: the latest first. Nobody is no claim."""
    said: dict[str, object] = {}
    for name in reversed(words(actor)):
        said = actor_claim(name, before=said)
    return {ACT: said} if said else {}


def credentials(token: str, key: Key | None) -> str:
    """The value of the Authorization header."""
    return f"{key.scheme if key else 'Bearer'} {token}"


def sign_in(acr: str, auth_time: datetime | None) -> dict[str, object]:
    """How and when the person signed in, as claims (RFC 9068 section 2.2.1). What is not said is no claim."""
    when = {} if auth_time is None else {"auth_time": int(auth_time.timestamp())}
    return {**when, **({"acr": acr} if acr else {})}
