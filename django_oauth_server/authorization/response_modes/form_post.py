"""In the body of a form that the browser posts (OAuth 2.0 Form Post Response Mode)."""

from __future__ import annotations

from collections.abc import Mapping

from django_oauth_server.authorization.response_modes.base import Page, ResponseMode


class FormPost(ResponseMode):
    """Nothing in any URL."""

    name = "form_post"

    def send(self, redirect_uri: str, parameters: Mapping[str, str], client_name: str) -> Page:
        context = {
            "redirect_uri": redirect_uri,
            "parameters": list(parameters.items()),
            "client": {"name": client_name},
        }
        return Page("oauth_server/form_post.html", context, script=True, leads_away=True)
