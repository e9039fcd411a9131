"""With what somebody may register clients (RFC 7591 section 3)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class InitialAccessToken(models.Model):
    """Handed to who may register clients. Only the digest of its value is stored."""

    issuer = models.CharField(
        _("issuer"), max_length=255, help_text=_("The authorization server that accepts this token.")
    )
    label = models.CharField(_("label"), max_length=200, help_text=_("Who this token was given to, and what for."))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    profile = models.CharField(_("security profile"), max_length=50, blank=True)
    allow_client_credentials = models.BooleanField(
        _("allow client credentials"),
        default=False,
        help_text=_(
            "Clients registered with this token may use client_credentials to get tokens that nobody was asked "
            "to allow."
        ),
    )
    uses = models.PositiveIntegerField(
        _("maximum number of clients"),
        null=True,
        blank=True,
        help_text=_("How many clients may be registered with this token. Leave blank for no limit."),
    )
    used = models.PositiveIntegerField(_("clients registered"), default=0, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Leave blank to never expire."))
    is_active = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )

    class Meta:
        verbose_name = _("initial access token")
        verbose_name_plural = _("initial access tokens")

    def __str__(self) -> str:
        return self.label

    def is_usable(self, now: datetime) -> bool:
        """Whether a client may be registered with it."""
        return self.is_active and not self.is_expired(now) and not self.is_used_up

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    @property
    def is_used_up(self) -> bool:
        return self.uses is not None and self.used >= self.uses
