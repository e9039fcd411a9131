"""Which account? (OpenID Connect Core section 3.1.2.1)"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.http import QueryDict

from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.authorization.prompts.base import Place, Prompt, Situation
from django_oauth_server.authorization.prompts.waiting import wait
from django_oauth_server.authorization.response_modes.base import Page
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.errors import AccountSelectionRequired, LoginRequired, OAuthError
from django_oauth_server.tokens.subject import subject


class ExpectedAccount(Prompt):
    """Needed where the client means another person than the one who is signed in (`id_token_hint`, a value for `sub`)."""

    name = "expected_account"
    place = Place.ACCOUNT
    refusal: ClassVar[type[OAuthError]] = LoginRequired
    offers_current: ClassVar[bool] = False
    """Whether the account that is signed in may be chosen."""

    def needed(self, situation: Situation) -> bool:
        request = situation.request
        return bool(request.subject) and subject(situation.user, request.client, request.issuer) != request.subject

    def ask(self, situation: Situation) -> Page:
        request = situation.request
        assert isinstance(situation.user, AbstractBaseUser)
        return Page(
            "oauth_server/select_account.html",
            {
                "issuer_name": request.issuer.settings.name,
                "client": describe_client(request.client, request.issuer),
                "account": situation.user.get_username(),
                "offers_current": self.offers_current,
                "decision_url": request.issuer.url_path("decision"),
                "handle": wait(situation, self.name),
            },
            script=True,
            leads_away=True,
        )

    def answer(self, situation: Situation, form: QueryDict) -> Turn | None:
        return super().answer(situation, form) if self.offers_current else None


class SelectAccount(ExpectedAccount):
    """Needed for `prompt=select_account`. Whoever signs in for the request has chosen."""

    name = "select_account"
    value = "select_account"
    refusal = AccountSelectionRequired
    offers_current = True

    def needed(self, situation: Situation) -> bool:
        chosen = self.name in situation.turn.done or situation.signed_in_since_asked
        return "select_account" in situation.request.prompts and not chosen
