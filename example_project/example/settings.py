"""The example project: an authorization server and a protected API side by side. All that varies comes from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy
from environs import Env

from django_oauth_server.conf import Exchange, Resource, Scope
from django_oauth_server.conf.openid import OPENID_SCOPES
from example.secret import secret_key

HOME = Path(__file__).resolve().parent.parent
env = Env()
VAR = env.path("EXAMPLE_VAR", HOME / "var")
VAR.mkdir(parents=True, exist_ok=True)

ISSUER = env.str("OAUTH_ISSUER", "http://127.0.0.1:8000")
MCP = f"{ISSUER}/mcp"
SITE_NAME = "Example Notes"
SHOP = env.str("CHAIN_SHOP", "http://127.0.0.1:8011")
ORDERS = env.str("CHAIN_ORDERS", "http://127.0.0.1:8012")
STOCK = env.str("CHAIN_STOCK", "http://127.0.0.1:8013")
DPOP_NONCES = env.str("OAUTH_DPOP_NONCES", "required")
LIMIT = env.str("OAUTH_LIMIT", "")
LIMITS = [
    "client_authentication",
    "client_authentication_by_address",
    "redemption",
    "introspection",
    "revocation",
    "registration",
    "pushed_requests",
    "device_authorization",
    "device_code",
    "device_code_by_session",
    "device_code_by_address",
]
BEHIND_TLS = urlsplit(ISSUER).scheme == "https"

SECRET_KEY = env.str("SECRET_KEY", "") or secret_key(VAR / "secret_key")
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", urlsplit(ISSUER).hostname])
CSRF_TRUSTED_ORIGINS = [ISSUER]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_REFERRER_POLICY = "same-origin"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_oauth_server",
    "django_oauth_server.resource",
    "example",
    "notes",
    "people",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "example.middleware.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_oauth_server.middleware.BrowserStateMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"
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

DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL", f"sqlite:///{VAR / 'db.sqlite3'}", conn_max_age=60, conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Readers never wait for a writer, and a writer takes its turn before it reads: two workers do not trip over each other.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # Nobody waits without end: for a connection, for another writer's lock, for an answer.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 3,
        "options": "-c lock_timeout=3s -c statement_timeout=10s",
    }
CACHES = {"default": env.dj_cache_url("CACHE_URL", "locmem://")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
LOCALE_PATHS = [HOME / "example" / "locale"]  # of what people meet on the way through an app: sign-in and scopes
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic for an example
LOGIN_URL = "/accounts/login/"
SECURE_CROSS_ORIGIN_OPENER_POLICY = (
    None  # apps, Swagger UI among them, may sign people in in a popup, and wait for its answer
)
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
PASSWORD_ACR = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

OAUTH_SERVER = {
    "issuer": ISSUER,
    "name": SITE_NAME,
    "profile": env.str("OAUTH_PROFILE", "oauth2_1"),
    "scopes": {
        **OPENID_SCOPES,
        "notes:read": gettext_lazy("see your notes"),
        "notes:write": Scope(gettext_lazy("add and delete your notes"), sensitive=True, optional=True),
        "weather:read": gettext_lazy("see the weather"),
        "orders:read": gettext_lazy("see your orders"),
        "stock:read": gettext_lazy("see what is in stock"),
    },
    "resources": {
        MCP: Resource("Notes for agents", scopes=("notes:read", "notes:write")),
        env.str("REMOTE_MCP", "http://127.0.0.1:8002/mcp"): Resource(
            "Notes elsewhere", scopes=("notes:read", "notes:write"), access_token_format="at+jwt"
        ),
        env.str("REMOTE_API", "http://127.0.0.1:8001/weather"): Resource(
            "Weather", scopes=("weather:read",), access_token_format="at+jwt"
        ),
        SHOP: Resource("Shop", scopes=("orders:read", "stock:read"), access_token_format="at+jwt"),
        ORDERS: Resource("Orders", scopes=("orders:read", "stock:read"), access_token_format="at+jwt"),
        STOCK: Resource("Stock", scopes=("stock:read",), access_token_format="at+jwt"),
    },
    "token_exchange": {
        "rules": (  # the services of chain/: each may act for a person at the next one, and nowhere else
            Exchange(client="shop", resources=(ORDERS,), scopes=("orders:read", "stock:read")),
            Exchange(client="orders", issued_to=("shop",), resources=(STOCK,), scopes=("stock:read",)),
        ),
    },
    "default_scopes": ["notes:read"],
    "claims": "people.claims.PersonClaims",
    "authentication": "people.sign_in.known_sign_in",
    "acr_values": [PASSWORD_ACR],
    "pairwise_salt": env.str("OAUTH_PAIRWISE_SALT", "") or secret_key(VAR / "pairwise_salt"),
    "access_token_format": env.str("OAUTH_TOKEN_FORMAT", "opaque"),
    "dpop": {"nonces": DPOP_NONCES},
    "key_publication_lead": timedelta(seconds=env.int("OAUTH_KEY_LEAD", 7200)),
    "registration": env.str("OAUTH_REGISTRATION", "off"),
    "client_id_metadata_documents": {"policy": env.str("OAUTH_DOCUMENTS", "off")},
    "apps": {"enabled": True, "permission": ""},  # whoever tries the example is a developer
    "throttles": dict.fromkeys(LIMITS, LIMIT) if LIMIT else {},
    "outbound_private_hosts": env.list("OAUTH_PRIVATE_HOSTS", []),
    "outbound_ca_bundle": env.str("OAUTH_CA_BUNDLE", ""),
}

OAUTH_RESOURCE_SERVER = {"name": "Notes", "resource": [ISSUER, MCP], "dpop": {"nonces": DPOP_NONCES}}

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "django_oauth_server.resource.spectacular.ProtectedSchema"}
SWAGGER = f"{STATIC_URL}drf_spectacular_sidecar/swagger-ui-dist"
SPECTACULAR_SETTINGS = {
    "TITLE": "Notes",
    "VERSION": "1",
    "DESCRIPTION": "Read and write your notes, once you allow it: press Authorize.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": SWAGGER,
    "SWAGGER_UI_FAVICON_HREF": f"{SWAGGER}/favicon-32x32.png",
    "SWAGGER_UI_SETTINGS": {"oauth2RedirectUrl": f"{ISSUER}{SWAGGER}/oauth2-redirect.html"},
    "SWAGGER_UI_OAUTH2_CONFIG": {"clientId": "docs", "usePkceWithAuthorizationCodeGrant": True},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django.request": {"level": "ERROR"},  # what callers get wrong is their affair
        "django_oauth_server": {"level": "INFO"},
    },
}
