"""Do you want an account? (Initiating User Registration via OpenID Connect)"""

from __future__ import annotations

from django_oauth_server.authorization.prompts.base import Prompt, Situation
from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import InteractionRequired


class CreateAccount(Prompt):
    """Needed for `prompt=create`, before anybody signs in."""

    name = "create_account"
    value = "create"
    refusal = InteractionRequired

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.account_creation_url)

    def needed(self, situation: Situation) -> bool:
        return "create" in situation.request.prompts and "create" not in situation.turn.done

    def ask(self, situation: Situation) -> Redirect:
        request = situation.request
        page = request.issuer.settings.account_creation_url
        return to_sign_in(situation.come_back("create", "select_account"), request.params, page=page)
