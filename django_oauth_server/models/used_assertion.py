"""What a client may present once."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class UsedAssertion(models.Model):
    """A client assertion (RFC 7523 section 3, item 7), or another proof, that was accepted. The row lives as long as what was presented would."""

    digest = models.CharField(max_length=64, unique=True)
    """Of its `jti`, and of all else that it is told apart by."""
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("used assertion")
        verbose_name_plural = _("used assertions")

    def __str__(self) -> str:
        return self.digest
