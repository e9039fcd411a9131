"""Initial access tokens: found, and counted as they are used."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q

from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.protocol.opaque import digest


def find_initial_access_token(issuer: str, value: str) -> InitialAccessToken | None:
    """The token of this value at *issuer*, whatever its state."""
    return InitialAccessToken.objects.filter(issuer=issuer, digest=digest(value)).first()


def add_initial_access_token(token: InitialAccessToken) -> None:
    """Store a new one."""
    token.save(force_insert=True)


def use_initial_access_token(token: InitialAccessToken, now: datetime) -> bool:
    """Count one client more. False where that is one too many, or it ended meanwhile."""
    lives = Q(expires_at=None) | Q(expires_at__gt=now)
    has_uses = Q(uses=None) | Q(used__lt=F("uses"))
    usable = InitialAccessToken.objects.filter(lives, has_uses, pk=token.pk, is_active=True)
    return bool(usable.update(used=F("used") + 1))
