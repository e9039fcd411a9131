"""As `tests.races.settings`, for the command that delivers to a server of the test."""

import os

from tests.races.settings import *  # noqa: F403
from tests.races.settings import OAUTH_SERVER

OAUTH_SERVER |= {"outbound_private_hosts": ["127.0.0.1"], "outbound_ca_bundle": os.environ["TEST_CA_BUNDLE"]}
