"""Ten thousand tokens that nobody issued through each mechanism: none opens anything, nothing breaks, and memory stays as it is."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import UserFactory
from tests.hostile.flood import MIDDLEWARE, SETTINGS, flood, good, real_tokens, tokens
from tests.hostile.flood_urls import MECHANISMS

pytestmark = pytest.mark.urls("tests.hostile.flood_urls")

WARM_UP, FLOOD = 2_000, 10_000
GROWTH = 4 * 2**20
"""A kilobyte that was kept of each request would be ten megabytes."""


@pytest.fixture(autouse=True)
def nothing_is_logged() -> Iterator[None]:
    """pytest would keep each record."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def resident_memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_ten_thousand_open_nothing_break_nothing_and_leave_nothing(db, settings, mechanism):
    settings.MIDDLEWARE, settings.OAUTH_RESOURCE_SERVER = MIDDLEWARE, SETTINGS
    real = real_tokens(UserFactory())
    made = tokens(real, seed=1)
    flood(f"/{mechanism}", made, WARM_UP)
    before = resident_memory()
    assert flood(f"/{mechanism}", made, FLOOD) <= {(400, True), (401, True)}
    assert resident_memory() - before < GROWTH
    assert [good(f"/{mechanism}", token) for token in real] == [200] * 4
