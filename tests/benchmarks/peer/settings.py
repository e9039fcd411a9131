"""The benchmark's settings: those that every Django peer has, and ours.

The first part is the runner's `peers/common.py`, value by value: the same middleware, database and session engine. It is repeated here
because a peer may stand in any folder, and the runner tells it no more than its environment. Change neither without the other.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from django_oauth_server.conf import OAUTH2_1

SECRET_KEY = "bench-only-not-a-secret-" + "x" * 40
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["BENCH_DB"],
        "USER": "bench",
        "HOST": "127.0.0.1",
        "PORT": os.environ.get("BENCH_PGPORT", "54329"),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 2}
        if os.environ.get("PREPARE") or os.environ.get("SPEED")
        else {},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "rest_framework",
    "django_oauth_server",
    "django_oauth_server.resource",
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {"n": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["n"]},
}
SESSION_COOKIE_SECURE = False

LOGIN_URL = "/login"
OAUTH_SERVER = {
    "issuer": "http://127.0.0.1:8600",
    "scopes": {"read": "read"},
    "default_scopes": ["read"],
    "access_token_format": {"opaque": "opaque", "jwt": "at+jwt"}[os.environ.get("TOKEN_FORMAT", "opaque")],
    "access_token_lifetime": timedelta(hours=1),  # as the floor's
    "policy": replace(OAUTH2_1, name="bench", require_refresh_token_rotation=True),  # as the other peers do
}
