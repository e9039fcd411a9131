"""The project at each stage of its move: `STAGE` is toolkit, beside, or server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from environs import Env

from django_oauth_server.conf import Policy

env = Env()
STAGE = env.str("STAGE")
BASE_DIR = Path(__file__).parent
SECRET_KEY = "a-project-of-its-own-" + "x" * 40
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = f"tests.e2e.oauth_toolkit_project.urls_{STAGE if STAGE == 'server' else 'toolkit'}"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STATIC_URL = "/static/"
LOGIN_URL = "/admin/login/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
OAUTH2_PROVIDER = {
    "SCOPES": {
        "openid": "Sign in",
        "notes:read": "Read your notes",
        "notes:write": "Write your notes",
        "introspection": "Check tokens",
    },
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": env.str("OIDC_RSA_PRIVATE_KEY"),
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "REQUEST_APPROVAL_PROMPT": "auto",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http", "com.example.phone"],
}

if STAGE != "toolkit":
    INSTALLED_APPS += ["django_oauth_server", "django_oauth_server.resource"]
    OAUTH_SERVER = {
        "issuer": env.str("ISSUER"),
        "scopes": {
            "openid": "sign you in",
            "notes:read": "read your notes",
            "notes:write": "write your notes",
            "introspection": "check tokens",
        },
        "default_scopes": ("openid", "notes:read", "notes:write", "introspection"),
        "policies": (
            Policy(
                name="as_before",
                require_consent_of_unproven_clients=False,
                require_refresh_token_rotation=True,
                allow_plain_pkce=True,
                allow_http_redirect_uris=True,
            ),
        ),
        "profile": "as_before",
        "access_token_lifetime": timedelta(hours=10),
        "id_token_lifetime": timedelta(hours=10),
        "refresh_token_lifetime": timedelta(days=3650),
        "sign_out_ends_refresh_tokens": False,
        "adoption": {"source": "oauth_toolkit"},
    }
