"""The shape of a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from django_oauth_server.authorization.request import AuthorizationRequest
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.component import Component
from django_oauth_server.errors import OAuthError
from django_oauth_server.models import Authorization


@dataclass(frozen=True, slots=True)
class Situation:
    """A request, who is at the browser, and what they allowed before: loaded once."""

    request: AuthorizationRequest
    user: AbstractBaseUser | AnonymousUser
    found: Authorization | None
    now: datetime

    @property
    def remembered(self) -> Authorization | None:
        """What the person allowed before, where it still holds."""
        revokes = self.request.issuer.settings.password_change_revokes
        return self.found if self.found and not self.found.ended_by(password_change_revokes=revokes) else None


class Prompt(Component):
    """Answers one question: must the person be asked this first?"""

    refusal: ClassVar[type[OAuthError]]
    """What a client is told that allowed no question (`prompt=none`, OpenID Connect Core section 3.1.2.1)."""

    def needed(self, situation: Situation) -> bool:
        """Asks no database."""
        raise NotImplementedError

    def ask(self, situation: Situation) -> Page | Redirect:
        """The question. Its answer comes back to the authorization endpoint, with the same request."""
        raise NotImplementedError
