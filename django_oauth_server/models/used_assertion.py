"""What a client may present once."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class UsedAssertion(models.Model):
    """A client assertion that was accepted (RFC 7523 section 3, item 7). The row lives as long as the assertion would."""

    digest = models.CharField(max_length=64, unique=True)
    """Of the client and the `jti`."""
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("used assertion")
        verbose_name_plural = _("used assertions")

    def __str__(self) -> str:
        return self.digest
