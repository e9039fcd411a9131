"""Any Django project; RELYING_PARTY_… in the environment is what an operator writes into it about the provider."""

from __future__ import annotations

import json
import os

PROVIDER = json.loads(os.environ["RELYING_PARTY_PROVIDER"])
CLIENT = json.loads(os.environ["RELYING_PARTY_CLIENT"])

SECRET_KEY = "a relying party's " + "x" * 50
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "tests.e2e.relying_project.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["RELYING_PARTY_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
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
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
