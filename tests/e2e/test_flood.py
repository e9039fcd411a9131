"""Ten thousand tokens that nobody issued through each mechanism: none opens anything, nothing breaks, and memory stays as it is."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from tests.factories import UserFactory
from tests.hostile.flood import MIDDLEWARE, REFUSED, SETTINGS, flood, good, real_tokens, tokens
from tests.hostile.flood_urls import MECHANISMS
from tests.resource.verifying.server import AUDIENCE, INTROSPECT, JWKS, TrickServer

pytestmark = pytest.mark.urls("tests.hostile.flood_urls")

WARM_UP, FLOOD = 2_000, 10_000


class Memory:
    """What Python's own objects take, which is exact, and what the process has, which the system rounds up as it likes."""

    def __init__(self) -> None:
        gc.collect()
        self.blocks = sys.getallocatedblocks()
        self.resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def is_flat_since(self, before: Memory) -> bool:
        """Had one request in ten left one object, or each two kilobytes, it would not be."""
        return self.blocks - before.blocks < FLOOD / 10 and self.is_bounded_since(before)

    def is_bounded_since(self, before: Memory) -> bool:
        return self.resident - before.resident < 2_000 * FLOOD


@pytest.fixture(autouse=True)
def nothing_is_logged() -> Iterator[None]:
    """pytest would keep each record."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_ten_thousand_open_nothing_break_nothing_and_leave_nothing(db, settings, mechanism):
    settings.MIDDLEWARE, settings.OAUTH_RESOURCE_SERVER = MIDDLEWARE, SETTINGS
    real = real_tokens(UserFactory())
    made = tokens(real, seed=1)
    flood(f"/{mechanism}", made, WARM_UP)
    before = Memory()
    assert set(flood(f"/{mechanism}", made, FLOOD)) <= REFUSED
    assert Memory().is_flat_since(before)
    assert [good(f"/{mechanism}", token) for token in real] == [200] * 4


@pytest.fixture
def issuer() -> Iterator[TrickServer]:
    """Another project's authorization server, which counts what it is asked."""
    server = TrickServer()
    yield server
    server.stop()


@pytest.mark.parametrize("mechanism", ["function", "async-function"])
def test_ten_thousand_unknown_keys_make_one_fetch_each_half_minute(settings, issuer, mechanism):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER = {"resource": AUDIENCE, "verifier": JWKSVerifier(issuer.issuer.identifier)}
    real = issuer.issuer.token("notes:read")
    assert good(f"/{mechanism}", real) == 200
    unknown = (issuer.issuer.token_of_unknown_key("notes:read") for _ in range(WARM_UP + FLOOD))
    begun = time.monotonic()
    flood(f"/{mechanism}", unknown, WARM_UP)
    before = Memory()
    assert set(flood(f"/{mechanism}", unknown, FLOOD)) == {(401, "Bearer")}
    assert issuer.calls[JWKS] <= 2 + (time.monotonic() - begun) / 30
    assert Memory().is_flat_since(before)
    assert good(f"/{mechanism}", real) == 200


@pytest.mark.parametrize("mechanism", ["function", "async-function"])
def test_ten_thousand_unknown_tokens_are_asked_about_within_a_budget(settings, issuer, mechanism):
    verifier = IntrospectionVerifier(issuer.issuer.identifier, client_id="api", client_secret="s", most_refused=600)
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER = {"resource": AUDIENCE, "verifier": verifier}
    issuer.allow("known")
    assert good(f"/{mechanism}", "known") == 200
    begun, before = time.monotonic(), Memory()
    answers = flood(f"/{mechanism}", (f"unknown-{number}" for number in range(FLOOD)), FLOOD)
    asked = issuer.calls[INTROSPECT] - 1
    assert set(answers) == {(401, "Bearer"), (503, "")}
    assert asked == answers[401, "Bearer"] <= 600 + 10 * (time.monotonic() - begun)
    assert Memory().is_bounded_since(before)  # some of the refused are kept, to be refused again
    assert good(f"/{mechanism}", "known") == 200
