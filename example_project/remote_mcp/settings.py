"""The MCP server in a process of its own: no database, and nothing of the authorization server. Its tokens come from the example project."""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from environs import Env

from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier

env = Env()
ISSUER = env.str("OAUTH_ISSUER", "http://127.0.0.1:8000")
MCP = env.str("REMOTE_MCP", "http://127.0.0.1:8002/mcp")


def introspection() -> IntrospectionVerifier:
    """As a client of the issuer's, which `createclient --resource-identifier` made."""
    return IntrospectionVerifier(
        ISSUER,
        client_id=env.str("OAUTH_CLIENT_ID"),
        client_secret=env.str("OAUTH_CLIENT_SECRET"),
        cache_for=timedelta(seconds=env.float("INTROSPECTION_CACHE", 30)),
    )


SECRET_KEY = env.str("SECRET_KEY", "") or secrets.token_urlsafe(50)  # several processes need to share one
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", urlsplit(MCP).hostname])
INSTALLED_APPS = ["django_oauth_server.resource"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "remote_mcp.urls"
USE_TZ = True
CACHES = {
    "default": env.dj_cache_url("CACHE_URL", "locmem://")
}  # it remembers proofs: several processes need to share one
SILENCED_SYSTEM_CHECKS = [] if env.str("CACHE_URL", "") else ["oauth_resource.W013"]  # without, one process serves it

OAUTH_RESOURCE_SERVER = {
    "name": "Notes elsewhere",
    "resource": MCP,
    "scopes": {"notes:read": "see your notes", "notes:write": "add and delete your notes"},
    "verifier": introspection() if env.str("VERIFIER", "jwks") == "introspection" else JWKSVerifier(ISSUER),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}, "django_oauth_server": {"level": "INFO"}},
}
