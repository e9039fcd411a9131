"""A client's server, the names that lead to it, and a look at every socket that is opened."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.outbound.server import WebServer, write_certificate

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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the client's server, under all names that the tests have for it."""
    names = ("client.example", "127.0.0.1", "127.0.0.2", "::1", "localhost")
    return write_certificate(tmp_path_factory.mktemp("certificates") / "client.pem", *names)


@pytest.fixture
def server(certificate: Path) -> Iterator[WebServer]:
    server = WebServer(certificate)
    yield server
    server.stop()


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`resolve("client.example", ["127.0.0.1"], ["127.0.0.2"])`: what the name leads to at the first look, at the second … Returns who looked."""
    real, looked, known = socket.getaddrinfo, [], {}

    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in known:
            return real(host, port, *args, **kwargs)
        looked.append(host)
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in found for entry in real(address, port, type=socket.SOCK_STREAM)]

    def lead(host: str, *answers: list[str]) -> list[str]:
        known[host] = list(answers)
        return looked

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return lead
