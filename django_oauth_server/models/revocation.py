"""What was revoked, for those who verify JWTs without asking."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Revocation(models.Model):
    """A mark that JWTs carry, and that is good no more. A row lives as long as a token that carries its mark can."""

    mark = models.CharField(max_length=64)
    """Of a token (the digest of its `jti`), an authorization (`grant_id`) or a client."""
    issued_before = models.DateTimeField(null=True)
    """Tokens that were issued later are not meant. NULL: all are."""
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        indexes = [models.Index(fields=["mark"], name="oas_revocation_mark")]

    def __str__(self) -> str:
        return self.mark
