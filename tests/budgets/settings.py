"""The settings under which requests are counted: no middleware but what signs people in, and the database as docs/operating.md has it for speed."""

from __future__ import annotations

import os

from django_oauth_server.conf import Exchange
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, OAUTH_SERVER

ROOT_URLCONF = "tests.budgets.urls"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
OAUTH_SERVER["token_exchange"] = {
    "rules": tuple(
        Exchange(client=f"service-{form}", resources=(OAUTH_SERVER["issuer"],), scopes=("notes:read",))
        for form in ("opaque", "at+jwt")
    )
}
DATABASES["default"]["CONN_MAX_AGE"] = None
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {"NAME": ":memory:", "TEST": {}, "OPTIONS": {}}
else:
    DATABASES["default"]["TEST"] = {"NAME": f"costs_{os.getpid()}"}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 2}
