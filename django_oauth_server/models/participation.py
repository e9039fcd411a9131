"""Which relying parties know of a sign-in session."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauth_server.protocol.opaque import sid_for


class Participation(models.Model):
    """A relying party was told of a person's sign-in session, and is to be told of its end."""

    sid = models.CharField(_("session"), max_length=64)
    """The session's own, which no relying party knows."""
    client = models.ForeignKey("django_oauth_server.Client", models.CASCADE, related_name="+", verbose_name=_("client"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    session_digest = models.CharField(max_length=64, db_index=True, editable=False)
    """Of Django's session key: when another person signs in over the session, Django has emptied it before anybody could look."""
    created_at = models.DateTimeField(_("since"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("app sign-in")
        verbose_name_plural = _("app sign-ins")
        constraints = [models.UniqueConstraint(fields=["sid", "client"], name="oas_participation_sid_client")]

    def __str__(self) -> str:
        return f"{self.user} → {self.client}"

    @property
    def told_sid(self) -> str:
        """As its ID tokens had it."""
        return sid_for(self.sid, self.client.client_id)
