"""The test project as a deployment sets it that has outgrown one machine: the database, the cache and the limits come from the environment."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, OAUTH_SERVER

ROOT_URLCONF = "tests.races.urls"
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True} | json.loads(os.environ["CLUSTER_DATABASE"])
if cache := os.environ.get("CLUSTER_CACHE"):
    CACHES = {"default": json.loads(cache)}
    OAUTH_SERVER["revocation_cache"] = "default"
OAUTH_SERVER["throttles"] = dict.fromkeys(os.environ.get("CLUSTER_LIMITS", "").split())  # nobody is told to slow down

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
}
