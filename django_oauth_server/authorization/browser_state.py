"""What changes with the person at a browser, for relying parties that watch it (OpenID Connect Session Management 1.0)."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Final

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from django_oauth_server.authorization.session import session_id
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.middleware import is_installed
from django_oauth_server.protocol.uris import origin

COOKIE: Final = "oauth_browser_state"
_SALT: Final = "oauth_server.browser_state"
_MIDDLEWARE: Final = "django_oauth_server.middleware.BrowserStateMiddleware"


def is_watched(settings: IssuerSettings) -> bool:
    """Whether relying parties can watch the browser: the middleware is installed that keeps its state."""
    return settings.is_openid and is_installed(_MIDDLEWARE)


def browser_state(http: HttpRequest) -> str:
    """Of the session of *http*, or of having none. Scripts may read it: it is nothing that signs anybody in, nor the `sid`."""
    return salted_hmac(_SALT, session_id(http), algorithm="sha256").hexdigest()


def session_state(http: HttpRequest, client_id: str, redirect_uri: str) -> str:
    """What a client compares with the browser's later (section 3.2); empty for an app, which has no origin."""
    if not redirect_uri.startswith(("https:", "http:")):
        return ""
    salt = secrets.token_hex(16)
    hashed = sha256(" ".join((client_id, origin(redirect_uri), browser_state(http), salt)).encode())
    return f"{hashed.hexdigest()}.{salt}"
