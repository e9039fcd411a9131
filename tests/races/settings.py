"""The test project as gunicorn serves it: what goes wrong is written where the test can show it."""

import os

from tests.races.rules import RULES
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, OAUTH_SERVER

ROOT_URLCONF = "tests.races.urls"

OAUTH_SERVER["throttles"] = dict.fromkeys(os.environ["TEST_LIMITS"].split())  # what loses a race says why
OAUTH_SERVER["components"] = ["tests.clients.directory.Directory"]  # clients that have no row yet
OAUTH_SERVER["token_exchange"] = {"rules": RULES}
DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE_NAME"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
}
