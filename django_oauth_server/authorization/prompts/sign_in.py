"""Who is it? Django's own sign-in answers."""

from __future__ import annotations

from django_oauth_server.authorization.prompts.base import Place, Prompt, Situation
from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.errors import LoginRequired


class SignIn(Prompt):
    """Needed where nobody is signed in. Whoever signs in now has chosen the account, and is fresh."""

    name = "sign_in"
    place = Place.SIGN_IN
    value = "none"
    refusal = LoginRequired

    def needed(self, situation: Situation) -> bool:
        return not situation.user.is_authenticated

    def ask(self, situation: Situation) -> Redirect:
        request = situation.request
        plain = not (request.prompts - {"consent"}) and request.max_age is None
        back = situation.come_back(signing_in=not plain)
        return to_sign_in(back, request.params, request.issuer)
