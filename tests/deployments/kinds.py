"""Kinds of project that are not the example: each is what it changes of the usual settings."""

from __future__ import annotations

from typing import Any

from tests.settings import INSTALLED_APPS, MIDDLEWARE, OAUTH_SERVER

_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_ELSEWHERE = "https://other.example"
_BELOW_A_PATH = {
    "OAUTH_SERVER": OAUTH_SERVER | {"issuer": "https://as.example/sub"},
    "SESSION_COOKIE_PATH": "/sub",
    "CSRF_COOKIE_PATH": "/sub",
}


def _behind(middleware: str) -> list[str]:
    """The usual middleware, and *middleware* behind that which knows who is signed in."""
    at = MIDDLEWARE.index(_AUTHENTICATION) + 1
    return [*MIDDLEWARE[:at], middleware, *MIDDLEWARE[at:]]


KINDS: dict[str, dict[str, Any]] = {
    "usual": {},
    "login_required": {"MIDDLEWARE": _behind("django.contrib.auth.middleware.LoginRequiredMiddleware")},
    "login_required_subclass": {"MIDDLEWARE": _behind("tests.deployments.middleware.MembersOnly")},
    "script_name": _BELOW_A_PATH,
    "force_script_name": _BELOW_A_PATH | {"FORCE_SCRIPT_NAME": "/sub"},
    "tenant_below_a_path": _BELOW_A_PATH | {"OAUTH_SERVER": OAUTH_SERVER | {"issuer": "https://as.example/sub/tenant"}},
    "tenant": {"OAUTH_SERVER": OAUTH_SERVER | {"issuer": "https://as.example/tenant"}},
    "no_time_zones": {"USE_TZ": False, "TIME_ZONE": "Europe/Berlin", "SILENCED_SYSTEM_CHECKS": ["oauth_server.W009"]},
    "two_hosts": {
        "OAUTH_SERVER": [OAUTH_SERVER, OAUTH_SERVER | {"issuer": _ELSEWHERE, "name": "Elsewhere"}],
        "OAUTH_RESOURCE_SERVER": {"resource": ["https://as.example", _ELSEWHERE]},
    },
    "second_of_two_hosts": {
        "OAUTH_SERVER": [OAUTH_SERVER | {"issuer": _ELSEWHERE, "name": "Elsewhere"}, OAUTH_SERVER],
        "OAUTH_RESOURCE_SERVER": {"resource": [_ELSEWHERE, "https://as.example"]},
    },
    "pages_by_language": {"ROOT_URLCONF": "tests.deployments.urls_by_language", "LOGIN_URL": "login"},
    "no_cache": {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}},
    "sessions_in_cookies": {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"},
    "people_by_uuid": {
        "AUTH_USER_MODEL": "deployments.Member",
        "INSTALLED_APPS": [*INSTALLED_APPS, "tests.deployments"],
    },
    "atomic_requests": {
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}}
    },
    "no_slashes_appended": {"APPEND_SLASH": False},
    "behind_a_tls_proxy": {
        "SECURE_SSL_REDIRECT": True,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "SECURE_HSTS_SECONDS": 3600,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "CSRF_TRUSTED_ORIGINS": ["https://as.example"],
        "USE_X_FORWARDED_HOST": True,
    },
}
