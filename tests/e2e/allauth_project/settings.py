"""The test project, with django-allauth in place of Django's own sign-in."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE, OAUTH_SERVER

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ROOT_URLCONF = "tests.e2e.allauth_project.urls"
LOGIN_URL = "account_login"
OAUTH_SERVER = OAUTH_SERVER | {"reauthentication_url": "account_reauthenticate"}  # its sign-in page lets in whoever is
