"""How people register apps of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class AppsSettings:
    """Pages on which people register and manage apps of their own, at `oauth/apps/`."""

    enabled: bool = False
    """Whether there are such pages."""
    permission: str = "django_oauth_server.register_own_client"
    """The Django permission that people need. If empty, everybody who is signed in may register apps."""
    kinds: tuple[Literal["web", "spa", "native", "device"], ...] = ("web", "spa", "native", "device")
    """The kinds of apps that can be registered."""
    scopes: tuple[str, ...] = ()
    """The scopes that these apps may ask people for. If empty, all that the issuer offers."""
    most: int = 10
    """How many apps one person may have."""

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError("most must be at least 1.")
        if not self.kinds:
            raise ValueError("kinds must name at least one kind.")
