"""What is known of a person beside Django's user model: a place for every standard claim (OpenID Connect Core section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.utils import timezone

ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
"""Section 5.1.1."""


class Profile(models.Model):
    """One person's. Each column has the name of its claim; what is empty is not told."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True)
    name = models.CharField(max_length=200, blank=True, help_text="Empty: first and last name.")
    middle_name = models.CharField(max_length=200, blank=True)
    nickname = models.CharField(max_length=200, blank=True)
    preferred_username = models.CharField(max_length=200, blank=True, help_text="Empty: the username.")
    profile = models.URLField(max_length=500, blank=True)
    picture = models.URLField(max_length=500, blank=True)
    website = models.URLField(max_length=500, blank=True)
    gender = models.CharField(max_length=50, blank=True)
    birthdate = models.CharField(max_length=10, blank=True, help_text="YYYY-MM-DD, 0000-MM-DD, or YYYY.")
    zoneinfo = models.CharField(max_length=50, blank=True, help_text="Such as Europe/Paris.")
    locale = models.CharField(max_length=50, blank=True, help_text="Such as en-GB.")
    email_verified = models.BooleanField(default=False)
    phone_number = models.CharField(max_length=50, blank=True, help_text="Such as +442079460000.")
    phone_number_verified = models.BooleanField(default=False)
    formatted = models.TextField(blank=True, help_text="The whole postal address, in lines.")
    street_address = models.TextField(blank=True)
    locality = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField(max_length=50, blank=True)
    country = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.user)

    def claims(self) -> Mapping[str, object]:
        """Those that are known."""
        told = {column.name: getattr(self, column.name) for column in self._meta.fields if column.name not in _APART}
        told["updated_at"] = int(self.updated_at.timestamp())
        told["address"] = {member: getattr(self, member) for member in ADDRESS if getattr(self, member)}
        return {claim: value for claim, value in told.items() if value not in ("", {})}


_APART = frozenset({"user", "updated_at", *ADDRESS})
