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
from tests.waiting import SOON, until_so

blockbuster = pytest.importorskip("blockbuster")


@contextmanager
def watched() -> Iterator[None]:
    """Any call that blocks the loop raises."""
    with blockbuster.blockbuster_ctx("django_oauth_server"):
        yield


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

    async def serve() -> list[object]:
        """What releases the server runs in the loop, which is held up if anything waits for the server there."""
        callers = [asyncio.create_task(verifier.averify(token)) for _ in range(50)]
        await until_so(lambda: server.calls[path])
        assert not any(one.done() for one in callers)
        server.released.set()
        return await asyncio.gather(*callers)

    began = time.perf_counter()
    with watched():
        verdicts = asyncio.run(serve())
    assert all(verdicts)
    assert server.calls[path] == 1
    assert time.perf_counter() - began < SOON


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
        await until_so(lambda: server.calls[INTROSPECT])
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
    assert time.perf_counter() - began < SOON
    server.released.set()
