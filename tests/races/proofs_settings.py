"""The test project whose processes share a cache that remembers proofs."""

import os

from tests.races.settings import *  # noqa: F403
from tests.races.settings import OAUTH_SERVER

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "shared": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["TEST_REDIS_URL"],
    },
}
OAUTH_SERVER |= {"dpop": {"cache": "shared"}}
OAUTH_RESOURCE_SERVER = {"dpop": {"cache": "shared"}}
