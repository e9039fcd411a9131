"""What a client left here before it sends the person."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PushedRequest(models.Model):
    """An authorization request that a client pushed (RFC 9126). Only the digest of its reference is stored; it goes when it was answered."""

    digest = models.CharField(max_length=64, unique=True)
    of = models.CharField(max_length=64)
    """Whose it is: the digest of issuer and client id. A client that another source describes gets no row because it asks."""
    payload = models.JSONField(default=dict)
    """What is asked for, and whether the client signed it."""
    created_at = models.DateTimeField(default=timezone.now)
    usable_until = models.DateTimeField()
    """For whoever comes new."""
    expires_at = models.DateTimeField(db_index=True)
    """For whoever came in time."""

    class Meta:
        verbose_name = _("pushed authorization request")
        verbose_name_plural = _("pushed authorization requests")
        indexes = [models.Index(fields=["of", "id"], name="oas_pushed_of")]

    def __str__(self) -> str:
        return self.digest
