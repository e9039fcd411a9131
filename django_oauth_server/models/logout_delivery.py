"""Relying parties that have to be told."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class LogoutDelivery(models.Model):
    """A relying party has to be told that a session ended (OpenID Connect Back-Channel Logout). Its token is made when it is sent."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    client = models.ForeignKey("django_oauth_server.Client", models.CASCADE, related_name="+", verbose_name=_("client"))
    sid = models.CharField(_("session"), max_length=64)
    person = models.CharField(_("person"), max_length=255)
    """The primary key of the user, who may be deleted by the time the app is told."""
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    """Of one that is being sent: when it counts as never having been, should whoever sends it not come back."""
    reason = models.CharField(_("last error"), max_length=200, blank=True)
    """Why the last attempt failed."""
    created_at = models.DateTimeField(_("signed out"), default=timezone.now)
    retried_at = models.DateTimeField(_("last retried"), null=True, blank=True)
    """When an operator last had it tried anew."""
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("back-channel logout")
        verbose_name_plural = _("back-channel logouts")
        indexes = [
            models.Index(fields=["state", "due_at"], name="oas_logout_delivery_due"),
            models.Index(fields=["person"], name="oas_logout_delivery_person"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.pk}"
