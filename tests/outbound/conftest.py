"""A client's server, the names that lead to it, and a look at every socket that is opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.outbound.server import WebServer

_watching: list[list[object]] = []


def _note(event: str, args: tuple[Any, ...]) -> None:
    if _watching and event == "socket.connect":
        _watching[-1].append(args[1])


sys.addaudithook(_note)  # for good: there is no taking it back


@pytest.fixture
def connects() -> Iterator[list[Any]]:
    """Where this process tried to connect to, by any means."""
    made: list[Any] = []
    _watching.append(made)
    yield made
    _watching.remove(made)


@pytest.fixture
def server(certificate: Path) -> Iterator[WebServer]:
    server = WebServer(certificate)
    yield server
    server.stop()
