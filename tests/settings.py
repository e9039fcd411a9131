"""The test project: SQLite in memory, or what TEST_DATABASE_URL names; TEST_ISOLATION=SERIALIZABLE sets the isolation level there."""

from __future__ import annotations

from datetime import timedelta

from environs import Env

from django_oauth_server.conf import OPENID_SCOPES

env = Env()
SECRET_KEY = "tests-only-" + "x" * 50
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.dj_db_url("TEST_DATABASE_URL", default="sqlite://:memory:")}
_database = DATABASES["default"]
_options = _database.setdefault("OPTIONS", {})
_isolation = env.str("TEST_ISOLATION", "")
if _database["ENGINE"].endswith("sqlite3") and _database["NAME"] != ":memory:":
    _database["TEST"] = {"NAME": _database["NAME"]}  # a file, which several processes can share
    _options |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif _isolation and _database["ENGINE"].endswith("postgresql"):
    from django.db.backends.postgresql.psycopg_any import IsolationLevel

    _options["isolation_level"] = IsolationLevel[_isolation.replace(" ", "_")]
elif _isolation:
    _options["isolation_level"] = _isolation.lower()
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "/static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_oauth_server",
    "django_oauth_server.resource",
    "tests.mysite",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_oauth_server.middleware.BrowserStateMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
LOGIN_URL = "/accounts/login/"
OAUTH_SERVER = {
    "issuer": "https://as.example",
    "outbound_timeout": timedelta(
        minutes=1
    ),  # a busy machine answers late; where nobody answers, a test says how long that is waited for
    "logout_delivery": "command",  # no test is to race a thread that it did not start
    "name": "Example",
    "scopes": {
        "notes:read": "see your notes",
        "notes:write": "write and delete your notes",
        **OPENID_SCOPES,
    },
    "registration": "open",
    "resources": {"https://api.example/notes": "Notes API", "https://api.example/mail": "Mail API"},
}
