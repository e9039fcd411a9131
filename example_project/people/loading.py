"""People as a document describes them: `{"username": …, "password": …, "claims": {…}}`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from people.models import ADDRESS, Profile

_OF_USER = {"given_name": "first_name", "family_name": "last_name", "email": "email"}
_PLACES = {"username": "username"} | {column: f"claims.{claim}" for claim, column in _OF_USER.items()}
_OF_PROFILE = {field.name: field.get_default() for field in Profile._meta.fields if field.name != "user"}
_TEXTS = {*_OF_USER, *(name for name, empty in _OF_PROFILE.items() if empty == "")} - {*ADDRESS}


def load_person(username: str, password: str, claims: Mapping[str, object]) -> str:
    """Make the person as described, or make them so: what is not described is empty.

    Returns what was done: `created`, `updated`, or nothing. Raises ValidationError, with what is wrong by member of the document.
    """
    person = get_user_model().objects.filter(username=username).first()
    done = "updated" if person else "created"
    person = person or get_user_model()(username=username)
    columns = dict(_columns(claims))
    changed = _put(person, {column: columns.pop(column, "") for column in _OF_USER.values()})
    if not person.check_password(password):
        person.set_password(password)
        changed = True
    _check(person)
    if changed:
        person.save()
    return done if _load_profile(person, columns) or changed else ""


def _load_profile(person: AbstractUser, columns: Mapping[str, object]) -> bool:
    profile = Profile.objects.filter(user=person).first() or Profile(user=person)
    told = columns if "updated_at" in columns else {**columns, "updated_at": profile.updated_at}
    if not (_put(profile, _OF_PROFILE | told) or profile._state.adding):
        return False
    profile.updated_at = told["updated_at"] if "updated_at" in columns else timezone.now()
    _check(profile)
    profile.save()
    return True


def _columns(claims: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Which column has which value. Raises ValidationError for the first claim that has no place."""
    for claim, value in claims.items():
        match claim, value:
            case "address", dict():
                yield from ((member, _text(f"address.{member}", text, ADDRESS)) for member, text in value.items())
            case "updated_at", int() | float():
                yield claim, datetime.fromtimestamp(value, UTC)
            case "email_verified" | "phone_number_verified", bool():
                yield claim, value
            case _:
                yield _OF_USER.get(claim, claim), _text(claim, value, _TEXTS)


def _text(claim: str, value: object, known: Collection[str]) -> str:
    if claim.removeprefix("address.") not in known:
        raise ValidationError({f"claims.{claim}": "There is no place for it, or it is not of its kind."})
    if not isinstance(value, str):
        raise ValidationError({f"claims.{claim}": "It must be a string."})
    return value


def _put(row: models.Model, values: Mapping[str, object]) -> bool:
    """Whether that changes *row*."""
    changed = any(getattr(row, column) != value for column, value in values.items())
    for column, value in values.items():
        setattr(row, column, value)
    return changed


def _check(row: models.Model) -> None:
    """Raise ValidationError, a message for each member of the document that its column refuses."""
    try:
        row.clean_fields()
    except ValidationError as exc:
        raise ValidationError({_PLACES.get(column, f"claims.{column}"): said for column, said in exc}) from exc
