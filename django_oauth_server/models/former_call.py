"""Who still calls the addresses of the server that stood here before."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class FormerCall(models.Model):
    """A client has called a former address: how often, and when last. Once nobody does, the address can go."""

    issuer = models.CharField(_("issuer"), max_length=255)
    address = models.CharField(_("address"), max_length=100)
    """The name of its URL."""
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    """Empty, where a request does not name a client."""
    calls = models.PositiveBigIntegerField(_("calls"), default=0)
    last_at = models.DateTimeField(_("last call"))

    class Meta:
        verbose_name = _("call of a former address")
        verbose_name_plural = _("calls of former addresses")
        constraints = [models.UniqueConstraint(fields=["issuer", "address", "client_id"], name="oas_former_call")]

    def __str__(self) -> str:
        return f"{self.address} {self.client_id}"
