"""Which user an issuer elsewhere means by a subject."""

from __future__ import annotations

import json

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauth_server.protocol.opaque import digest


class LinkedIdentity(models.Model):
    """A subject of a trusted issuer, and the user who it is here. Subjects of two issuers, or of two tenants, are never the same."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    """Of the three below: databases disagree on which texts are equal."""
    issuer = models.CharField(
        _("issuer"), max_length=255, help_text=_("The trusted issuer that knows the person by this subject.")
    )
    tenant = models.CharField(
        _("tenant"),
        max_length=255,
        blank=True,
        help_text=_("Tenant of the issuer, if its assertions name one. Otherwise leave blank."),
    )
    subject = models.CharField(
        _("subject"), max_length=255, help_text=_("The “sub” of the issuer's assertions, character by character.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+", verbose_name=_("user")
    )
    """Found by the constraint's index, which begins with it."""
    is_by_email = models.BooleanField(null=True, editable=False)
    """True where the person was found by an email address; otherwise NULL. One of an issuer for a user, by a constraint that every database knows."""
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("linked identity")
        verbose_name_plural = _("linked identities")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "issuer", "tenant", "is_by_email"], name="oas_linked_identity_by_email"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.issuer})"


def digest_of_identity(issuer: str, tenant: str, subject: str) -> str:
    """By which a subject is told apart from every other, of whichever issuer."""
    return digest(json.dumps([issuer, tenant, subject]))
