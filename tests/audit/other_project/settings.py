"""People with a primary key of their own choice, moments without a zone, a transaction around every request, sessions in cookies, no messages,
no languages, and everything in a database that is not the default one."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE, OAUTH_SERVER

AUTH_USER_MODEL = "other_project.Member"
USE_TZ = False
TIME_ZONE = "America/New_York"
USE_I18N = False
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
_DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}
DATABASES = {"default": _DATABASE, "elsewhere": _DATABASE}
DATABASE_ROUTERS = ["tests.audit.other_project.routers.Elsewhere"]
_LEFT_OUT = {
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.locale.LocaleMiddleware",
}
INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app not in _LEFT_OUT), "tests.audit.other_project"]
MIDDLEWARE = [one for one in MIDDLEWARE if one not in _LEFT_OUT]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "tests.audit.other_project.urls"
OAUTH_SERVER = OAUTH_SERVER | {"scopes": {"notes:read": "see your notes", "notes:write": "write your notes"}}
