"""Is it still them? Asked where the client wants it fresh (OpenID Connect Core section 3.1.2.1), or stronger (RFC 9470)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django_oauth_server.authorization.prompts.base import Place, Prompt, Situation
from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.conf.moments import seconds_between
from django_oauth_server.errors import LoginRequired, UnmetAuthenticationRequirements

_ON_THE_WAY: Final = timedelta(minutes=1)
"""So long after they signed in for a request, people are on their way back to it: `max_age=0` could not be met otherwise."""


class Reauthenticate(Prompt):
    """Needed for `prompt=login`, after `max_age`, and where the person could reach what the client asks for (`acr`) but has not."""

    name = "reauthentication"
    place = Place.PROOF
    parameters = frozenset({"prompt", "max_age", "acr_values"})
    value = "login"
    refusal = LoginRequired

    def needed(self, situation: Situation) -> bool:
        if _must_but_does_not(situation) or _is_too_old(situation):
            return True
        if situation.signed_in_since_asked:
            return False
        return "login" in situation.request.prompts or _might_but_does_not(situation)

    def ask(self, situation: Situation) -> Redirect:
        """Raises `LoginRequired` where the person came back without having done it: nobody is sent around in circles."""
        request, settings = situation.request, situation.request.issuer.settings
        if _must_but_does_not(situation) and (situation.signed_in_since_asked or not request.acr_values):
            raise UnmetAuthenticationRequirements(
                "The person cannot sign in with the acr that the parameter claims requires."
            )
        if situation.turn.asked_at is not None and not situation.signed_in_since_asked:
            raise LoginRequired("The person did not sign in again.", detail="see the setting reauthentication_url")
        return to_sign_in(
            situation.come_back(signing_in=True), request.params, request.issuer, page=settings.reauthentication_url
        )


def _is_too_old(situation: Situation) -> bool:
    at, max_age = situation.session.authentication.at, situation.request.max_age
    if max_age is None:
        return at is None and _auth_time_is_demanded(situation)
    longest = max(max_age, _ON_THE_WAY) if situation.signed_in_since_asked else max_age
    return at is None or seconds_between(at, situation.now) > longest


def _auth_time_is_demanded(situation: Situation) -> bool:
    asked = situation.request.claims.id_token.get("auth_time", {})
    return asked.get("essential") is True or situation.request.client.metadata.get("require_auth_time") is True


def _might_but_does_not(situation: Situation) -> bool:
    wanted = situation.request.acr_values
    return bool(wanted) and situation.session.authentication.acr not in wanted


def _must_but_does_not(situation: Situation) -> bool:
    demanded = situation.request.claims.demanded("acr")
    return bool(demanded) and situation.session.authentication.acr not in demanded
