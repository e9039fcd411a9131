"""The hosts of client ID metadata documents that an operator has judged."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class DocumentHost(models.Model):
    """What an operator says of a host, whose documents describe clients. Most hosts have no row: nobody vouches for them, and nobody blocks them."""

    class Verdict(models.TextChoices):
        BLOCKED = "blocked", _("blocked")
        VOUCHED = "vouched", _("vouched for")

    issuer = models.CharField(_("issuer"), max_length=255)
    host = models.CharField(_("host"), max_length=253)
    """As `protocol.hosts.read_host` has it. All its ports are meant."""
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    note = models.TextField(_("note"), blank=True)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("document host")
        verbose_name_plural = _("document hosts")
        constraints = [models.UniqueConstraint(fields=["issuer", "host"], name="oas_document_host_issuer_host")]

    def __str__(self) -> str:
        return self.host
