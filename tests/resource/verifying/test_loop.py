"""In an event loop: nothing blocks it, and callers that go away take nothing from others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from django_oauth_server.resource.verifiers.base import CannotVerify
from tests.resource.verifying.server import INTROSPECT, JWKS

blockbuster = pytest.importorskip("blockbuster")


@contextmanager
def watched() -> Iterator[None]:
    """Any call that blocks the loop raises."""
    with blockbuster.blockbuster_ctx("django_oauth_server"):
        yield


async def longest_pause(done: asyncio.Event) -> float:
    """How long the loop ran nothing else."""
    longest = 0.0
    while not done.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - before)
    return longest


def test_the_detector_finds_what_blocks(server, jwks):
    async def serve() -> object:
        return jwks.verify(server.issuer.token())

    with watched(), pytest.raises(blockbuster.BlockingError):
        asyncio.run(serve())


@pytest.mark.parametrize("path", [JWKS, INTROSPECT])
def test_the_loop_goes_on_while_the_issuer_is_slow(server, jwks, introspection, path):
    verifier, token = (jwks, server.issuer.token()) if path == JWKS else (introspection, "opaque")
    server.allow("opaque")
    server.hold(path)

    async def serve() -> tuple[float, list[object]]:
        done = asyncio.Event()
        heartbeat = asyncio.create_task(longest_pause(done))
        callers = [asyncio.create_task(verifier.averify(token)) for _ in range(50)]
        await asyncio.sleep(0.8)
        server.released.set()
        verdicts = await asyncio.gather(*callers)
        done.set()
        return await heartbeat, verdicts

    with watched():
        pause, verdicts = asyncio.run(serve())
    assert all(verdicts)
    assert pause < 0.6
    assert server.calls[path] == 1


def test_with_the_keys_at_hand_the_loop_is_not_left(server, jwks, monkeypatch):
    jwks.verify(server.issuer.token())
    token = server.issuer.token()
    monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor.submit", lambda *_: pytest.fail("a thread was asked"))
    with watched():
        assert asyncio.run(jwks.averify(token))


def test_a_caller_that_goes_away_takes_nothing_from_the_others(server, introspection):
    server.allow("good")
    server.hold(INTROSPECT)

    async def serve() -> object:
        leaving = asyncio.create_task(introspection.averify("good"))
        staying = asyncio.create_task(introspection.averify("good"))
        await asyncio.sleep(0.1)
        leaving.cancel()
        server.released.set()
        return await staying

    assert asyncio.run(serve())
    assert server.calls[INTROSPECT] == 1


def test_a_slow_issuer_holds_up_no_more_than_a_bounded_number_of_callers(server, introspection):
    server.hold(INTROSPECT)
    verifier = replace(introspection, timeout=timedelta(seconds=0.3))

    async def serve() -> list[BaseException | object]:
        return await asyncio.gather(*(verifier.averify(f"token-{n}") for n in range(600)), return_exceptions=True)

    began = time.perf_counter()
    with watched():
        verdicts = asyncio.run(serve())
    assert all(isinstance(verdict, CannotVerify) for verdict in verdicts)
    assert time.perf_counter() - began < 6
    server.released.set()
