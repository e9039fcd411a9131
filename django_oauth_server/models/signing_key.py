"""The keys with which the issuer signs."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SigningKey(models.Model):
    """A key pair: published from the start, signing from `signs_from`, gone from the JWKS after `expires_at`."""

    issuer = models.CharField(_("issuer"), max_length=255, db_index=True)
    kid = models.CharField(_("key ID"), max_length=64, unique=True)
    alg = models.CharField(_("algorithm"), max_length=20)
    public_jwk = models.JSONField(_("public key"))
    encrypted_private_jwk = models.TextField(editable=False)
    created_at = models.DateTimeField(_("published"), default=timezone.now)
    signs_from = models.DateTimeField(_("signs from"))
    expires_at = models.DateTimeField(_("published until"), null=True, blank=True)
    """Set once another key has taken over: when the last token that it signed is dead."""

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")

    def __str__(self) -> str:
        return self.kid
