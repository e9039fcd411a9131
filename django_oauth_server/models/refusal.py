"""What was refused, and why."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Refusal(models.Model):
    """A request that was refused, for whoever asks why. The client is named, not referred to: nothing hangs on this row, nor this row on anything."""

    reference = models.CharField(_("reference"), max_length=8)
    """What the error page and the JSON answer say. It may be given twice: it leads to the rows that have it."""
    refused_at = models.DateTimeField(_("refused"))
    expires_at = models.DateTimeField(db_index=True, editable=False)
    issuer = models.CharField(_("issuer"), max_length=255)
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    """Empty where no client of this ID is registered, or none was named."""
    endpoint = models.CharField(_("endpoint"), max_length=255)
    error = models.CharField(_("error"), max_length=64)
    parameter = models.CharField(_("parameter"), max_length=64, blank=True)
    rule = models.CharField(_("rule"), max_length=255, blank=True)
    description = models.TextField(_("what the client was told"), blank=True)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        indexes = [
            models.Index(fields=["reference"], name="oas_refusal_reference"),
            models.Index(fields=["issuer", "client_id"], name="oas_refusal_client"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.error}"
