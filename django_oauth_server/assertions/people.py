"""Which user of this project does an assertion mean?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils.module_loading import import_string

from django_oauth_server.assertions.judge import Assertion, NotAccepted
from django_oauth_server.conf.trusted_issuers import People
from django_oauth_server.models.linked_identity import LinkedIdentity
from django_oauth_server.storage.linked_identities import find_identity, is_linked, link, users_with_email

Find: TypeAlias = Callable[[str, Mapping[str, object]], AbstractBaseUser | None]
"""The user whom an issuer, by its identifier, means by the claims of an assertion. None: not known."""

_LONGEST_ADDRESS: Final = 254


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom an assertion is about."""

    user: AbstractBaseUser
    identity: LinkedIdentity | None
    """By which they are known. None: by the deployment's own function."""


def person_meant(assertion: Assertion, people: People, now: datetime) -> Meant:
    """The active user whom *assertion* is about: by a stored link; else by the deployment's own function; else by a verified email address, where
    the issuer may do that, which stores a link. Raises `NotAccepted`.
    """
    meant = _linked(assertion) or _found(assertion, people) or _by_email(assertion, people, now)
    if meant is None:
        raise NotAccepted(
            "The person of the assertion has no account here: no account is linked to its sub.",
            rule="linked identities",
            detail=_named(assertion),
        )
    if not meant.user.is_active:
        raise NotAccepted("The person's account is disabled.", rule="RFC 7521 section 5.2", detail=_named(assertion))
    return meant


def _linked(assertion: Assertion) -> Meant | None:
    found = find_identity(assertion.trusted.issuer, assertion.trusted.tenant, assertion.subject)
    return Meant(found.user, found) if found else None


def _found(assertion: Assertion, people: People) -> Meant | None:
    if not people.find:
        return None
    find: Find = import_string(people.find)
    model = get_user_model()
    try:
        found = find(assertion.trusted.issuer, assertion.claims)
    except model.DoesNotExist:
        return None
    if not isinstance(found, model | None):
        raise TypeError(f"{people.find} must return a user or None, not {type(found).__name__}.")
    return Meant(found, None) if found else None


def _by_email(assertion: Assertion, people: People, now: datetime) -> Meant | None:
    """Only the first subject with an address is linked by it: whoever has the address later is somebody else, and does not get the account."""
    address = assertion.claims.get("email")
    is_told = isinstance(address, str) and 0 < len(address) <= _LONGEST_ADDRESS and address.isprintable()
    if not (people.by_email and is_told and assertion.claims.get("email_verified") is True):
        return None
    trusted, found = assertion.trusted, users_with_email(str(address))
    if len(found) != 1:
        raise NotAccepted(
            "The email address of the assertion is not that of exactly one account here.",
            rule="by_email",
            detail=f"{_named(assertion)}: {'several active users have' if found else 'no active user has'} it",
        )
    if is_linked(found[0], trusted.issuer, trusted.tenant):
        raise NotAccepted(
            "The account with the email address of the assertion belongs to another sub of its issuer.",
            rule="by_email",
            detail=_named(assertion),
        )
    return Meant(found[0], link(found[0], trusted.issuer, trusted.tenant, assertion.subject, now, by_email=True))


def _named(assertion: Assertion) -> str:
    return f"iss {assertion.trusted.issuer!r}, sub {assertion.subject!r}"
