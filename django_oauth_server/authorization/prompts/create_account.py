"""Do you want an account? (Initiating User Registration via OpenID Connect)"""

from __future__ import annotations

from django_oauth_server.authorization.prompts.base import Place, Prompt, Situation
from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import InteractionRequired


class CreateAccount(Prompt):
    """Needed for `prompt=create`, before anybody signs in. Whoever signs in on the way has an account."""

    name = "create_account"
    place = Place.NEW_ACCOUNT
    value = "create"
    refusal = InteractionRequired

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.account_creation_url)

    def needed(self, situation: Situation) -> bool:
        if "create" not in situation.request.prompts or situation.signed_in_since_asked:
            return False
        return (
            situation.user.is_authenticated or situation.turn.asked_at is None
        )  # who came back a stranger signs in now

    def ask(self, situation: Situation) -> Redirect:
        """Raises `InteractionRequired` where the person came back without having done it: nobody is sent around in circles."""
        request = situation.request
        if situation.turn.asked_at is not None:
            raise InteractionRequired(
                "The person did not create an account.", detail="see the setting account_creation_url"
            )
        page = request.issuer.settings.account_creation_url
        return to_sign_in(situation.come_back(signing_in=True), request.params, request.issuer, page=page)
