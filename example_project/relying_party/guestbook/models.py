"""Which session here belongs to which session at the provider."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db import models


class SignIn(models.Model):
    """Gone with its session."""

    session = models.OneToOneField(Session, models.CASCADE, primary_key=True)
    sub = models.CharField(max_length=255, db_index=True)
    sid = models.CharField(max_length=255, db_index=True)

    def __str__(self) -> str:
        return self.sub


def end_sessions(*, sub: str | None, sid: str | None) -> int:
    """Those that a logout token means: one session of the provider's, or all of a person (Back-Channel Logout section 2.7)."""
    meant = {name: value for name, value in {"sub": sub, "sid": sid}.items() if value}
    sessions = (
        Session.objects.filter(pk__in=SignIn.objects.filter(**meant).values("pk")) if meant else Session.objects.none()
    )
    _, ended = sessions.delete()
    return ended.get(Session._meta.label, 0)
