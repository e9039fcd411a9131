"""The way to Django's sign-in and back."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.shortcuts import resolve_url

from django_oauth_server.authorization.response_modes.base import Redirect
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.uris import add_parameters

LONGEST_HINT: Final = 320
"""Characters, enough for any e-mail address. A longer hint does not burden the address of the sign-in page."""


def to_sign_in(back: str, params: Parameters, issuer: Issuer, *, page: str = "") -> Redirect:
    """To LOGIN_URL, or to *page* (a URL or a name), which leads to *back*. It is told whom the client expects, if the client does."""
    to = _leading_to(back, page)
    if urlsplit(to).netloc not in {"", urlsplit(issuer.origin).netloc}:
        to = _leading_to(issuer.origin + back, page)
    hint = params.get("login_hint", "")
    told = 0 < len(hint) <= LONGEST_HINT
    return Redirect(add_parameters(to, [("login_hint", hint)], "query") if told else to)


def _leading_to(back: str, page: str) -> str:
    return redirect_to_login(back, resolve_url(page) if page else None).url
