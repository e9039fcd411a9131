"""django-allauth's OpenID Connect provider, which discovers the endpoints."""

from __future__ import annotations

from tests.e2e.relying_project.settings import *  # noqa: F403
from tests.e2e.relying_project.settings import CLIENT, INSTALLED_APPS, MIDDLEWARE, PROVIDER

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
SIGN_IN_URLS = "allauth.urls"

ACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "example",
                "name": "Example",
                "client_id": CLIENT["client_id"],
                "secret": CLIENT["client_secret"],
                "settings": {"server_url": PROVIDER["issuer"], "token_auth_method": "client_secret_basic"},
            }
        ],
    }
}
