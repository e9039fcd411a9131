"""Protected views under real servers: in an event loop, many calls at once and not one that blocks it; in threads, as many as there are."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.async_project.urls import AT_ONCE, THREADS
from tests.e2e.conftest import ROOT, free_port
from tests.waiting import PATIENCE, until, until_served

pytestmark = pytest.mark.e2e

ASGI: Final = "tests.e2e.async_project.asgi:application"
COMMANDS: Final[dict[str, Callable[[str], list[str]]]] = {
    "uvicorn": lambda port: ["uvicorn", ASGI, "--port", port, "--log-level", "warning"],
    "granian": lambda port: ["granian", "--interface", "asgi", "--port", port, "--log-level", "error", ASGI],
    "gunicorn-asgi": lambda port: [
        *("gunicorn", ASGI, "--worker-class", "asgi", "--bind", f"127.0.0.1:{port}"),
        *("--log-level", "warning", "--no-control-socket"),
    ],
    "gunicorn": lambda port: [
        *("gunicorn", "tests.e2e.async_project.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", str(THREADS)),
        *("--log-level", "warning", "--no-control-socket"),
    ],
}


STREAMS: Final = 50
IN_THREADS: Final = [
    "/threads/function",
    "/threads/class",
    "/threads/rest",
    "/ninja/threads",
    "/prefix/threads/function",
]


@dataclass(frozen=True)
class Project:
    """The project as a server serves it."""

    url: str
    tokens: list[str]
    output: Path

    def call(self, path: str, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return int(
                urllib.request.urlopen(
                    urllib.request.Request(self.url + path, headers=headers), timeout=PATIENCE
                ).status
            )
        except urllib.error.HTTPError as refused:
            return refused.code

    def listen(self, path: str, token: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return connection

    def open_streams(self) -> int:
        return int(json.load(urllib.request.urlopen(f"{self.url}/open-streams", timeout=PATIENCE))["open"])

    def call_at_once(self, path: str, tokens: list[str], at_once: int = AT_ONCE) -> Counter[int]:
        """*at_once* callers, until there were as many calls as the loop holds; how often each status was given."""
        with ThreadPoolExecutor(at_once) as callers:
            return Counter(callers.map(lambda number: self.call(path, tokens[number % len(tokens)]), range(AT_ONCE)))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    database = tmp_path_factory.mktemp("async") / "db.sqlite3"
    own = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.async_project.settings",
        "TEST_DATABASE_URL": f"sqlite:///{database}",  # a server would need a connection for each caller
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **own}


@pytest.fixture(scope="module")
def tokens(environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-m", "tests.e2e.async_project.prepare"]
    made = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return list(json.loads(made.stdout))


@contextmanager
def served(name: str, environment: dict[str, str], tokens: list[str], home: Path) -> Iterator[Project]:
    port, output = free_port(), home / f"{name}.log"
    with output.open("w") as sink:
        command = [sys.executable, "-m", *COMMANDS[name](str(port))]
        server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
    project = Project(f"http://127.0.0.1:{port}", tokens, output)
    try:
        _wait_until_served(project, server)
        yield project
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _wait_until_served(project: Project, server: subprocess.Popen[bytes]) -> None:
    until_served(lambda: project.call("/health"), server, project.output.read_text)
    assert project.call("/health") == 200, project.output.read_text()


@pytest.fixture(scope="module", params=["uvicorn", "granian", "gunicorn-asgi"])
def loop(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    tokens: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Project]:
    """The project in one process with one event loop, in which what blocks raises."""
    pytest.importorskip(request.param.partition("-")[0])
    pytest.importorskip("blockbuster")
    with served(request.param, environment, tokens, tmp_path_factory.mktemp("loop")) as project:
        yield project


@pytest.fixture(scope="module")
def threads(
    environment: dict[str, str], tokens: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """The project in one process with several threads."""
    with served("gunicorn", environment, tokens, tmp_path_factory.mktemp("threads")) as project:
        yield project


@pytest.mark.parametrize("path", ["/function", "/class", "/ninja/operation", "/prefix/function", "/application"])
def test_many_calls_are_inside_at_once_and_none_blocks_the_loop(loop: Project, path: str) -> None:
    assert loop.call_at_once(path, loop.tokens) == {200: AT_ONCE}, loop.output.read_text()


@pytest.mark.parametrize(
    "path", ["/function", "/class", "/ninja/operation", "/prefix/function", "/prefix/nothing-here"]
)
def test_refusals_do_not_block_the_loop_either(loop: Project, path: str) -> None:
    made_up = ["", "oas_at_made-up", loop.tokens[1] + "x", "a.b.c"]
    assert loop.call_at_once(path, made_up) == {401: AT_ONCE}, loop.output.read_text()


def test_streams_are_open_side_by_side_and_end_when_their_callers_go(loop: Project) -> None:
    callers = [loop.listen("/ticking", loop.tokens[number % len(loop.tokens)]) for number in range(STREAMS)]
    for caller in callers:
        response = caller.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        assert response.read(len(b"data: tick\n\n")) == b"data: tick\n\n"
    assert loop.open_streams() == STREAMS
    for caller in callers:
        caller.close()
    until(lambda: not loop.open_streams(), lambda: f"{loop.open_streams()} streams go on for nobody")


@pytest.mark.parametrize("path", ["/sleepy", "/reader"])
def test_a_view_that_blocks_is_caught(loop: Project, path: str) -> None:
    """The detector works."""
    assert [loop.call(path, token) for token in loop.tokens[:2]] == [500, 500]
    assert "BlockingError" in loop.output.read_text()


@pytest.mark.parametrize("path", IN_THREADS)
def test_sync_views_are_called_in_threads_at_once(loop: Project, path: str) -> None:
    assert loop.call_at_once(path, loop.tokens, THREADS) == {200: AT_ONCE}, loop.output.read_text()


@pytest.mark.parametrize("path", IN_THREADS)
def test_threads_serve_as_many_calls_at_once_as_there_are(threads: Project, path: str) -> None:
    assert threads.call_at_once(path, threads.tokens, 4 * THREADS) == {200: AT_ONCE}, threads.output.read_text()
    assert threads.call_at_once(path, ["", "oas_at_made-up"], 4 * THREADS) == {401: AT_ONCE}
