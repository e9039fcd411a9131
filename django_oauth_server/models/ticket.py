"""What is handed out once."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauth_server.models._digest import DigestIndex


class Ticket(models.Model):
    """An authorization code, or a request that waits for a person. Only the digest of its value is stored."""

    class Kind(models.TextChoices):
        AUTHORIZATION_CODE = "code", _("authorization code")
        INTERACTION = "interaction", _("request waiting for consent")

    kind = models.CharField(max_length=20, choices=Kind.choices)
    digest = models.CharField(max_length=64)
    client = models.ForeignKey("django_oauth_server.Client", models.CASCADE, null=True, related_name="+")
    """None: that of a request which waits for a person, where it has no row before they allow it something. The reference names it."""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    authorization = models.ForeignKey("django_oauth_server.Authorization", models.CASCADE, null=True, related_name="+")
    payload = models.JSONField(default=dict)
    """What was asked and proven when it was handed out."""
    family = models.UUIDField(default=uuid.uuid4)
    """What it buys carries the same mark, so that a replay can take it back."""
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    redeemed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        indexes = [DigestIndex(fields=["digest"], name="oas_ticket_digest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
