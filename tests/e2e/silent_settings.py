"""The example project, which waits for the addresses of clients for longer than anybody here does."""

from __future__ import annotations

from datetime import timedelta

from example.settings import *  # noqa: F403
from example.settings import OAUTH_SERVER

from tests.waiting import PATIENCE

OAUTH_SERVER = OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=2 * PATIENCE)}
