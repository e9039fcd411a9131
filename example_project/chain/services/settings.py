"""One of three services: a resource server alone, without a database. It is a client of the example project as well, to call the next one."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from environs import Env

from django_oauth_server.resource.verifiers.jwks import JWKSVerifier

env = Env()
ISSUER = env.str("OAUTH_ISSUER", "http://127.0.0.1:8000")
SERVICE = env.str("SERVICE", "shop")
"""`shop`, `orders` or `stock`."""
RESOURCES = {
    "shop": env.str("CHAIN_SHOP", "http://127.0.0.1:8011"),
    "orders": env.str("CHAIN_ORDERS", "http://127.0.0.1:8012"),
    "stock": env.str("CHAIN_STOCK", "http://127.0.0.1:8013"),
}
VAR = env.path("EXAMPLE_VAR", Path(__file__).resolve().parents[2] / "var")
CLIENT_SECRET = (VAR / f"{SERVICE}_secret").read_text() if SERVICE != "stock" else ""
"""Of the client that is called like this service, which the example project made. Stock calls nobody, and is no client."""

SECRET_KEY = secrets.token_urlsafe(50)  # nothing here is signed
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", urlsplit(RESOURCES[SERVICE]).hostname])
INSTALLED_APPS = ["django_oauth_server.resource"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "services.urls"
WSGI_APPLICATION = "services.wsgi.application"
USE_TZ = True

OAUTH_RESOURCE_SERVER = {
    "name": SERVICE.capitalize(),
    "resource": RESOURCES[SERVICE],
    "verifier": JWKSVerifier(ISSUER),
    "bindings": [],  # services show each other no proofs here
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"named": {"format": f"{SERVICE}: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "named"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django_oauth_server": {"level": "INFO"},
        "services": {"level": "INFO"},
    },
}
