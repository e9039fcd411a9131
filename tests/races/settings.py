"""The test project as gunicorn serves it: what goes wrong is written where the test can show it."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, OAUTH_SERVER

THROTTLES = (
    "client_authentication",
    "client_authentication_by_address",
    "redemption",
    "introspection",
    "revocation",
    "registration",
)
OAUTH_SERVER["throttles"] = dict.fromkeys(THROTTLES)  # what loses a race fails, and it is to say why
DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE_NAME"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
}
