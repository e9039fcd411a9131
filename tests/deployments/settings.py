"""The project of one kind, which the variable DEPLOYMENT names."""

import os
from pathlib import Path

from tests.deployments.kinds import KINDS
from tests.settings import *  # noqa: F403
from tests.settings import TEMPLATES

ROOT_URLCONF = "tests.deployments.urls"
LOGIN_URL = "login"
TEMPLATES = [TEMPLATES[0] | {"DIRS": [Path(__file__).parent / "templates"]}]
ALLOWED_HOSTS = ["as.example", "other.example"]
globals().update(KINDS[os.environ["DEPLOYMENT"]])
