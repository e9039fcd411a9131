"""What a device asks, which a person answers elsewhere."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class DeviceRequest(models.Model):
    """A device authorization request (RFC 8628 section 3.1), and the answer to it. Only the digests of its two codes are stored."""

    device_code_digest = models.CharField(max_length=64, unique=True)
    user_code_digest = models.CharField(max_length=64, unique=True)
    of = models.CharField(max_length=64)
    """A digest of its issuer and client, which need not have a row before somebody allowed it something."""
    authorization = models.ForeignKey("django_oauth_server.Authorization", models.CASCADE, null=True, related_name="+")
    """Who allowed it. NULL, where it is decided: they denied it."""
    request = models.JSONField(default=dict)
    """What was asked, by which client, and on what kind of device."""
    granted = models.JSONField(default=dict)
    """What was allowed and proven."""
    family = models.UUIDField(default=uuid.uuid4)
    """What it buys carries the same mark."""
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    interval = models.PositiveIntegerField()
    """Seconds that the device has to wait between two polls."""
    polls_from = models.PositiveBigIntegerField(default=0)
    """When the next poll is not too early: milliseconds since 1970, which every database adds alike."""
    decided_at = models.DateTimeField(null=True)
    redeemed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("device request")
        verbose_name_plural = _("device requests")
        indexes = [models.Index(fields=["of", "id"], name="oas_device_request_of")]

    def __str__(self) -> str:
        return f"device request {self.pk}"
