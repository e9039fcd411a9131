"""How somebody signed in, in words that relying parties know: `OAUTH_SERVER["authentication"]` names it."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest

from django_oauth_server.authorization.session import Authentication, authentication


def known_sign_in(request: HttpRequest) -> Authentication:
    """A password is all that there is here, and all that is claimed."""
    known = authentication(request)
    return replace(known, acr=settings.PASSWORD_ACR) if "pwd" in known.methods else known
