"""The test project, with nothing around its views but the middleware that protects a prefix."""

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.e2e.async_project.urls"
MIDDLEWARE = ["django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]
OAUTH_RESOURCE_SERVER = {"protected_prefixes": {"/prefix/": None}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stream": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["stream"], "level": "ERROR"}},
}
