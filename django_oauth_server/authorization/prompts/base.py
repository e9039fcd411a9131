"""The shape of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from django_oauth_server.authorization.request import AuthorizationRequest
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.session import SessionFacts
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.component import Component, Document
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization


@dataclass(frozen=True, slots=True)
class Situation:
    """A request, who is at the browser, and what they allowed before: loaded once."""

    request: AuthorizationRequest
    user: AbstractBaseUser | AnonymousUser
    found: Authorization | None
    now: datetime
    session: SessionFacts
    """How they signed in."""
    turn: Turn
    """What they have done for this request already."""

    def come_back(self, *done: str) -> str:
        """Path and query of the same request, for when the person has answered *done* and proven who they are, from now on."""
        return self.request.path(replace(self.turn.having(*done), asked_at=self.turn.asked_at or self.now))

    @property
    def signed_in_since_asked(self) -> bool:
        """Whether they were sent to prove who they are, and did."""
        at = self.session.authentication.at
        return self.turn.asked_at is not None and at is not None and at >= self.turn.asked_at

    @property
    def remembered(self) -> Authorization | None:
        """What the person allowed before, where it still holds."""
        revokes = self.request.issuer.settings.password_change_revokes
        return self.found if self.found and not self.found.ended_by(password_change_revokes=revokes) else None


class Prompt(Component):
    """Answers one question: must the person be asked this first?"""

    parameters = frozenset({"prompt"})
    value: ClassVar[str] = ""
    """The value of the parameter `prompt` that asks for it. Empty: none does."""
    refusal: ClassVar[type[OAuthError]]
    """What a client is told that allowed no question (`prompt=none`, OpenID Connect Core section 3.1.2.1)."""

    def needed(self, situation: Situation) -> bool:
        """Asks no database."""
        raise NotImplementedError

    def ask(self, situation: Situation) -> Page | Redirect:
        """The question. Its answer comes back to the authorization endpoint, with the same request."""
        raise NotImplementedError

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"prompt_values_supported": [self.value]} if self.value else {}


def prompt_values(issuer: Issuer) -> frozenset[str]:
    """What the parameter `prompt` may say to *issuer*."""
    return frozenset(prompt.value for prompt in issuer.components.of(Prompt).values()) - {""}
