"""Who is it? Django's own sign-in answers."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login

from django_oauth_server.authorization.prompts.base import Prompt, Situation
from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.errors import LoginRequired


class SignIn(Prompt):
    """Needed where nobody is signed in."""

    name = "sign_in"
    parameters = frozenset({"prompt"})
    refusal = LoginRequired

    def needed(self, situation: Situation) -> bool:
        return not situation.user.is_authenticated

    def ask(self, situation: Situation) -> Redirect:
        return Redirect(redirect_to_login(situation.request.path).url)
