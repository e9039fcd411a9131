"""A server that plays tricks, and a clock that can be put forward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from tests.resource.verifying.server import TrickServer
from tests.waiting import PATIENCE


@pytest.fixture
def server() -> Iterator[TrickServer]:
    server = TrickServer()
    yield server
    server.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta | float], None]:
    """Put all clocks forward."""
    passed = 0.0
    wall, monotonic = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: wall() + passed)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed)

    def put_forward(by: timedelta | float) -> None:
        nonlocal passed
        passed += by.total_seconds() if isinstance(by, timedelta) else by

    return put_forward


@pytest.fixture
def jwks(server: TrickServer) -> JWKSVerifier:
    return JWKSVerifier(server.issuer.identifier, timeout=timedelta(seconds=PATIENCE))


@pytest.fixture
def introspection(server: TrickServer) -> IntrospectionVerifier:
    return IntrospectionVerifier(
        server.issuer.identifier, client_id="api", client_secret="s:e c%ret", timeout=timedelta(seconds=PATIENCE)
    )


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that stands still, but for what it is put forward, for what is counted by the second."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def put_forward(by: float) -> None:
        nonlocal now
        now += by

    return put_forward
