"""mozilla-django-oidc, which is told each endpoint, and asks again in silence when an ID token has expired."""

from __future__ import annotations

from tests.e2e.relying_project.settings import *  # noqa: F403
from tests.e2e.relying_project.settings import CLIENT, INSTALLED_APPS, MIDDLEWARE, PROVIDER

INSTALLED_APPS = [*INSTALLED_APPS, "mozilla_django_oidc"]
MIDDLEWARE = [*MIDDLEWARE, "mozilla_django_oidc.middleware.SessionRefresh"]
AUTHENTICATION_BACKENDS = ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]
SIGN_IN_URLS = "mozilla_django_oidc.urls"

OIDC_RP_CLIENT_ID = CLIENT["client_id"]
OIDC_RP_CLIENT_SECRET = CLIENT["client_secret"]
OIDC_OP_AUTHORIZATION_ENDPOINT = PROVIDER["authorization_endpoint"]
OIDC_OP_TOKEN_ENDPOINT = PROVIDER["token_endpoint"]
OIDC_OP_USER_ENDPOINT = PROVIDER["userinfo_endpoint"]
OIDC_OP_JWKS_ENDPOINT = PROVIDER["jwks_uri"]
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_TOKEN_USE_BASIC_AUTH = True
OIDC_USE_PKCE = True
OIDC_STORE_ID_TOKEN = True
OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS = 2
ALLOW_LOGOUT_GET_METHOD = True
OIDC_OP_LOGOUT_URL_METHOD = "tests.e2e.relying_project.urls.end_session_url"
