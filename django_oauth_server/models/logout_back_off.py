from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LogoutBackOff(models.Model):
    """A relying party's address that failed is left alone for a while, however many sessions it has to be told of."""

    client = models.OneToOneField(
        "django_oauth_server.Client", models.CASCADE, primary_key=True, related_name="+", verbose_name=_("client")
    )
    address = models.CharField(max_length=64, editable=False)
    """The digest of the address. Another one has not failed yet."""
    failures = models.PositiveSmallIntegerField(_("attempts"), default=0)
    """In a row."""
    resume_at = models.DateTimeField(_("next attempt"))

    class Meta:
        verbose_name = _("logout delivery pause")
        verbose_name_plural = _("logout delivery pauses")

    def __str__(self) -> str:
        return f"{self.client_id} {self.failures}"
