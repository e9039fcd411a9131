"""Waiting for what happens in another thread, process or task. No test takes a time for an event: machines are slow, and busy with other things."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any, Final

PATIENCE: Final = 300.0
"""Seconds after which nobody waits any longer for what should have happened: many times what it takes."""
SOON: Final = 20.0
"""Seconds within which whatever ends by itself has ended, on any machine. What it must not wait for takes longer: `HELD`."""
HELD: Final = 60.0
"""Seconds for which a server that plays tricks holds an answer back."""


def until(holds: Callable[[], object], said: Callable[[], object] = lambda: "") -> None:
    """Wait until it *holds*; where it never does, fail with what is *said*."""
    end = time.perf_counter() + PATIENCE
    while not holds():
        assert time.perf_counter() < end, said()
        time.sleep(0.01)


async def until_so(holds: Callable[[], object]) -> None:
    """The same in an event loop, which goes on meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.001)


def until_served(ask: Callable[[], object], server: Popen[Any], said: Callable[[], object]) -> None:
    """Wait until *ask* is answered, whatever the answer. Fails with what the *server* has *said* where it ends instead."""

    def answers() -> bool:
        assert server.poll() is None, said()
        try:
            ask()
        except OSError:
            time.sleep(0.1)
            return False
        return True

    until(answers, said)
