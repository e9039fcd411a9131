"""A relying party alone: a Django project on another port, whose people sign in at the example project."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.core.management.utils import get_random_secret_key
from environs import Env

env = Env()
VAR = env.path("GUESTBOOK_VAR", Path(__file__).resolve().parent.parent / "var")
VAR.mkdir(parents=True, exist_ok=True)

HERE = env.str("GUESTBOOK", "http://127.0.0.1:8002")
PROVIDER = {
    "server_metadata_url": env.str("OAUTH_ISSUER", "http://127.0.0.1:8000") + "/.well-known/openid-configuration",
    "client_id": env.str("OAUTH_CLIENT_ID"),
    "client_secret": env.str("OAUTH_CLIENT_SECRET"),
    "client_kwargs": {"scope": "openid profile email", "code_challenge_method": "S256"},
}

KEY = VAR / "secret_key"
if not KEY.exists():
    KEY.touch(mode=0o600)
    KEY.write_text(get_random_secret_key())
SECRET_KEY = env.str("SECRET_KEY", "") or KEY.read_text()
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", urlsplit(HERE).hostname])
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "guestbook",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "guestbook.urls"
WSGI_APPLICATION = "guestbook.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR / "db.sqlite3", "OPTIONS": {"timeout": 20}}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# Cookies know no ports: the provider's on the same host have other names.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "guestbook_session", "guestbook_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = urlsplit(HERE).scheme == "https"
SECURE_REFERRER_POLICY = "same-origin"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}, "guestbook": {"level": "INFO"}},
}
