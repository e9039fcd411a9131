"""Secrets of clients that were adopted."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ForeignSecret(models.Model):
    """What one of Django's password hashers made of a client's secret, until that is first presented. It is the client's where there is no digest."""

    client = models.OneToOneField(
        "django_oauth_server.Client", models.CASCADE, related_name="+", verbose_name=_("client")
    )
    encoded = models.TextField(editable=False)

    class Meta:
        verbose_name = _("adopted secret")
        verbose_name_plural = _("adopted secrets")

    def __str__(self) -> str:
        return str(self.client)
