"""By which identifier a client knows a person (OpenID Connect Core section 8)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import DatabaseError
from django.utils.module_loading import import_string

from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.storage.people import find_person

PRIMARY_KEY: Final = "django_oauth_server.tokens.subject.primary_key"
"""The setting `subject` where a deployment has no function of its own."""
_LONGEST: Final = 255
_UNNAMED: Final = "The server cannot make an identifier for the person."
_Name: TypeAlias = Callable[[AbstractBaseUser, Issuer], str]


def primary_key(user: AbstractBaseUser, issuer: Issuer) -> str:
    """The primary key of *user*, which is the identifier of a person where the setting `subject` names no other function."""
    return str(user.pk)


def subject(user: AbstractBaseUser | AnonymousUser, client: Client, issuer: Issuer) -> str:
    """The person's `sub` for *client*: the same for all, or one that only the client's own sector sees.

    Raises `TemporarilyUnavailable` where nobody can say it: any other would be another person's.
    """
    return _as_told(public_subject(user, issuer), client, issuer)


def subject_behind(authorization: Authorization, issuer: Issuer) -> str:
    """The same, of the person whose *authorization* it is, for the client that they allowed something. A token that was exchanged has another
    client, and keeps its `sub`."""
    if issuer.settings.subject == PRIMARY_KEY:
        return _as_told(str(authorization.user_id), authorization.client, issuer)
    return subject(authorization.user, authorization.client, issuer)


def subject_of_key(key: str, client: Client, issuer: Issuer) -> str | None:
    """The same, of the user whose primary key is written so. None: they were deleted, and the deployment's own function can say no more."""
    if issuer.settings.subject == PRIMARY_KEY:
        return _as_told(key, client, issuer)
    user = find_person(key)
    return subject(user, client, issuer) if user else None


def public_subject(user: AbstractBaseUser | AnonymousUser, issuer: Issuer) -> str:
    """What the function of the setting `subject` says of *user*. Raises `TemporarilyUnavailable` where that is no identifier."""
    name: _Name = import_string(issuer.settings.subject)
    try:
        said = name(cast("AbstractBaseUser", user), issuer)
    except DatabaseError:
        raise
    except Exception as exc:  # such as a profile that this user has not: nobody else waits for it
        raise TemporarilyUnavailable(_UNNAMED, detail=f"the setting subject: {exc!r}") from exc
    if fault := fault_of_subject(said):
        raise TemporarilyUnavailable(_UNNAMED, detail=f"the setting subject: {fault}")
    return said


def fault_of_subject(said: object) -> str:
    """What is wrong with the identifier *said*; empty where it is one (section 2: ASCII, at most 255 characters, case-sensitive)."""
    if not isinstance(said, str):
        return f"the function returned {type(said).__name__}, not str"
    if not 0 < len(said) <= _LONGEST:
        return f"the function returned {len(said)} characters, not 1 to {_LONGEST}"
    return (
        "" if said.isascii() and said.isprintable() else "the function returned characters that are not printable ASCII"
    )


def _as_told(public: str, client: Client, issuer: Issuer) -> str:
    if not client.is_pairwise:
        return public
    if not issuer.settings.pairwise_salt:
        raise TemporarilyUnavailable(_UNNAMED, detail="pairwise_salt is gone")
    # Nobody who does not know the salt can find the person, nor compare two sectors (section 8.1).
    message = f"{client.sector}\0{public}".encode()
    derived = hmac.digest(issuer.settings.pairwise_salt.encode(), message, "sha256")
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
