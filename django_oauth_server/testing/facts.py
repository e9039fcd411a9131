"""What a test says of a token, in the same words whoever issues it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from django_oauth_server.models import Client


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


def words(said: str | Iterable[str]) -> tuple[str, ...]:
    """Scopes or audiences, said as one string with spaces or as several."""
    return tuple(said.split() if isinstance(said, str) else said)


def sign_in(acr: str, auth_time: datetime | None) -> dict[str, object]:
    """How and when the person signed in, as claims (RFC 9068 section 2.2.1). What is not said is no claim."""
    when = {} if auth_time is None else {"auth_time": int(auth_time.timestamp())}
    return {**when, **({"acr": acr} if acr else {})}
