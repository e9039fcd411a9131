"""What was revoked, for those who verify JWTs without asking."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Revocation(models.Model):
    """A mark that JWTs carry, and that is good no more. A row lives as long as a token that carries its mark can."""

    mark = models.CharField(max_length=64)
    """Of a token (the digest of its `jti`), an authorization (`grant_id`) or a client."""
    once = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - NULL is not unique
    """The mark again, which only one row can have. NULL in rows of earlier versions, which repeated themselves."""
    issued_before = models.DateTimeField(null=True)
    """Tokens that were issued later are not meant. NULL: all are."""
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    """When the last token that carries the mark is dead. A revocation that is withdrawn expires at once."""
    announced_at = models.DateTimeField(null=True, editable=False)
    """When the caches had been told. NULL: not yet, so everybody who reads reads it."""

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        indexes = [
            models.Index(fields=["mark"], name="oas_revocation_mark"),
            models.Index(fields=["announced_at"], name="oas_revocation_announced"),
        ]

    def __str__(self) -> str:
        return self.mark
