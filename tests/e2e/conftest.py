"""A running example project, and a real Chromium."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.waiting import PATIENCE, SOON, until_served

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example.test 127.0.0.1",
]
KEPT_OPEN = "--keep-alive=60"
"""Else the server may end a connection while a person answers, at the very moment at which their app asks on."""


@dataclass(frozen=True)
class Example:
    """The example project as it was just started."""

    url: str
    password: str
    output: Path
    environment: dict[str, str]


_dice = SystemRandom()
"""Which no test seeds: of several processes that run tests, each finds ports of its own."""


def free_port() -> int:
    """One below those that systems give to connections. Any of those might be given away before a server listens there, or while it is down: even to
    somebody who asks for that server, and is then connected to themselves."""
    while True:
        port = _dice.randrange(10_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@contextmanager
def started(
    home: Path, origin: str = "http://127.0.0.1", *, flags: Sequence[str] = (), **environment: str
) -> Iterator[Example]:
    """`manage.py start`, on a free port, with nothing prepared. *origin*: under which it is known, less the port."""
    port = free_port()
    url, output = f"{origin}:{port}", home / "output"
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, str(ROOT / "example_project/manage.py"), "start", "--bind", f"127.0.0.1:{port}", *flags]
    own = {"EXAMPLE_VAR": str(home), "OAUTH_ISSUER": url, "GUNICORN_CMD_ARGS": KEPT_OPEN}
    everything = {**inherited, **own, **environment}
    with output.open("w") as sink:
        server = subprocess.Popen(command, env=everything, stdout=sink, stderr=subprocess.STDOUT)
    try:
        _wait_until_served(url, server, output)
        printed = re.search(r"Password:\s+(\S+)", output.read_text())
        assert printed, output.read_text()
        yield Example(url, printed[1], output, everything)
    finally:
        server.terminate()
        server.wait(PATIENCE)


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example project, as the one command starts it."""
    with started(tmp_path_factory.mktemp("example")) as running:
        yield running


def _wait_until_served(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    parts = urlsplit(url)
    here = f"{parts.scheme}://127.0.0.1:{parts.port}/.well-known/oauth-authorization-server"
    request = urllib.request.Request(here, headers={"Host": parts.netloc})
    unverified = ssl._create_unverified_context()
    until_served(lambda: urllib.request.urlopen(request, timeout=SOON, context=unverified), server, output.read_text)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A real Chromium, as Debian has it. Playwright runs an event loop in this thread, which tests of other modules must not find there."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE * 1000)
        yield Chromium(browser)
        browser.close()


@dataclass(frozen=True)
class Chromium:
    """The browser, all of whose pages have the patience that a busy machine needs."""

    browser: Any

    def new_context(self, **options: Any) -> Any:
        context = self.browser.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        return context


@pytest.fixture(scope="session")
def npm() -> Path:
    """The packages of package.json, installed once, by one of the processes that run tests: the others wait until all are there."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node is not installed")
    modules = HERE / "node_modules"
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    with (HERE / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not all((modules / name / "package.json").exists() for name in wanted):
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
            subprocess.run(command, cwd=HERE, check=True)
    return modules
