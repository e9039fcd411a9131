"""A flood of tokens that nobody issued opens nothing and breaks nothing. `tests/e2e/test_flood.py` sends twenty times as many."""

from __future__ import annotations

import pytest

from tests.factories import UserFactory
from tests.hostile.conftest import everything
from tests.hostile.flood import MIDDLEWARE, REFUSED, SETTINGS, flood, good, real_tokens, tokens
from tests.hostile.flood_urls import MECHANISMS

pytestmark = pytest.mark.urls("tests.hostile.flood_urls")


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_nothing_is_granted_and_nothing_breaks(db, settings, mechanism):
    settings.MIDDLEWARE, settings.OAUTH_RESOURCE_SERVER = MIDDLEWARE, SETTINGS
    real = real_tokens(UserFactory())
    before = everything()
    assert set(flood(f"/{mechanism}", tokens(real), 500)) <= REFUSED
    assert [good(f"/{mechanism}", token) for token in real] == [200] * 4
    assert everything() == before
