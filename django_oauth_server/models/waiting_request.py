"""What waits for somebody who is at another page."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class WaitingRequest(models.Model):
    """An authorization request that is too long for an address, while the person signs in. There is never more than a fixed number of rows."""

    digest = models.CharField(max_length=64, unique=True)
    """Of the issuer, of what the address says, and of what only the person's browser knows."""
    payload = models.JSONField(default=dict)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("request waiting for a sign-in")
        verbose_name_plural = _("requests waiting for a sign-in")

    def __str__(self) -> str:
        return self.digest
