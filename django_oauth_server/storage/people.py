"""People: users of the project, as tokens name them."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ObjectDoesNotExist, ValidationError


def find_person(identifier: str) -> AbstractBaseUser | None:
    """The user whose primary key is written so, whatever its state."""
    try:
        found = get_user_model()._default_manager.filter(pk=identifier).first()
    except (ValueError, ValidationError):  # no primary key is written so: letters for a number, no UUID
        return None
    return found if found and str(found.pk) == identifier else None


def newest_people(most: int) -> list[AbstractBaseUser]:
    """Those who were added last."""
    return list(get_user_model()._default_manager.order_by("-pk")[:most])


def find_by_username(username: str) -> AbstractBaseUser | None:
    """The user of this name, as they sign in with it, whatever its state."""
    try:
        found: AbstractBaseUser = get_user_model()._default_manager.get_by_natural_key(username)
    except ObjectDoesNotExist:
        return None
    return found


def was_shut_out(
    user: AbstractBaseUser, *, created: bool, raw: bool, update_fields: Collection[str] | None = None
) -> bool:
    """Whether saving *user* ended their sessions: they are disabled, or were given a password just now. Asks no database."""
    if created or raw or (update_fields is not None and not {"is_active", "password"}.intersection(update_fields)):
        return False
    return not user.is_active or getattr(user, "_password", None) is not None
