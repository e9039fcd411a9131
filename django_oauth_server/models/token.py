"""What is presented as a bearer."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauth_server.models._digest import DigestIndex
from django_oauth_server.models._sparse import SparseIndex


class Token(models.Model):
    """An access or refresh token. Only the digest of its value is stored; of a JWT, that of its `jti`."""

    class Kind(models.TextChoices):
        ACCESS = "access", _("access token")
        REFRESH = "refresh", _("refresh token")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    digest = models.CharField(max_length=64, editable=False)
    client = models.ForeignKey(
        "django_oauth_server.Client", models.CASCADE, db_constraint=False, related_name="+", verbose_name=_("client")
    )
    """Nothing locks the client's row, which all its tokens would fight over. A token that is stored while its client is deleted is found by nobody,
    and goes when it expires."""
    authorization = models.ForeignKey(
        "django_oauth_server.Authorization",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tokens",
        verbose_name=_("authorization"),
    )
    family = models.UUIDField(null=True, blank=True, editable=False)
    """All that one grant bought, through every rotation. Asked for with its authorization, which has an index."""
    scope = models.TextField(_("scope"), blank=True)
    audience = models.JSONField(_("audience"), default=list, blank=True)
    facts = models.JSONField(default=dict, blank=True, editable=False)
    """What else was proven when it was issued: when the person signed in, what it is bound to."""
    salt = models.CharField(max_length=32, blank=True, editable=False)
    """Of a refresh token: what its successor is derived with, beside the server's key and its own value."""
    self_contained = models.BooleanField(null=True, editable=False)
    """Whether it is verified without looking at this row, as a JWT is. NULL in rows of earlier versions: it may be."""
    issued_at = models.DateTimeField(_("issued"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), db_index=True)
    superseded_at = models.DateTimeField(_("rotated"), null=True, blank=True)
    revoked_at = models.DateTimeField(pgettext_lazy("date", "revoked"), null=True, blank=True)
    held = models.IntegerField(default=0, db_default=0, editable=False)
    """How often it was written to, so that a revocation waits for what is stored beside it. It has no index, so that such a write is a small one;
    and it is another value each time, without which some clusters see no write."""

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        indexes = [
            DigestIndex(fields=["digest"], name="oas_token_digest"),
            SparseIndex(fields=["revoked_at"], name="oas_token_revoked"),
        ]

    def __str__(self) -> str:
        person = f"{self.authorization.user} → " if self.authorization else ""
        return f"{self.get_kind_display()} {self.pk}, {person}{self.client}"

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())

    def ended_by(self, now: datetime, *, password_change_revokes: bool) -> str:
        """Why it is worth nothing any more, for the log; empty while it lives. Asks no database: it was found with all that it hangs on."""
        if self.revoked_at is not None:
            return "token revoked"
        if now >= self.expires_at:
            return "token expired"
        if not self.client.is_active:
            return "client disabled"
        allowed = self.authorization
        return allowed.ended_by(password_change_revokes=password_change_revokes) if allowed else ""
