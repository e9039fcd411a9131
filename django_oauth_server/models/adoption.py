"""From which servers the data were adopted, and when."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Adoption(models.Model):
    """An issuer has adopted what another authorization server of the project knew (`manage.py adopt`)."""

    issuer = models.CharField(_("issuer"), max_length=255)
    source = models.CharField(_("source"), max_length=50)
    adopted_until = models.DateTimeField(_("adopted until"))
    """When the last complete run began: what the source issued before is here, or has ended here."""
    left_out = models.JSONField(_("left out"), default=list, blank=True)
    """The clients, by their ids, that this run could not adopt: nothing of theirs is here."""

    class Meta:
        verbose_name = _("adoption")
        verbose_name_plural = _("adoptions")
        constraints = [models.UniqueConstraint(fields=["issuer", "source"], name="oas_adoption_issuer_source")]

    def __str__(self) -> str:
        return f"{self.source} → {self.issuer}"
