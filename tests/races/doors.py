"""Two ways in: the same requests reach threads of this process, or the two workers of a gunicorn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from threading import Barrier
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from django.db import connection, connections
from django.test import Client as Browser

from django_oauth_server.registry import default_issuer
from tests.e2e.conftest import free_port
from tests.flow import Flow
from tests.waiting import PATIENCE, until_served

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
FORM = "application/x-www-form-urlencoded"


def at_once(*works: Callable[[], T]) -> list[T]:
    """What each returns, all begun at the same moment, each in a thread with a database connection of its own."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            barrier.wait(timeout=PATIENCE)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


class Door(Protocol):
    """Where requests come in."""

    name: str

    def browser(self, user: Any = None) -> Any:
        """A browser of its own, in which *user* is signed in."""


def walk(door: Door, client: Any, user: Any = None) -> Flow:
    """The figure for *client*, with connections that no other walk shares."""
    flow = Flow(client, door.browser(user))
    flow.server = door.browser()
    return flow


class Threads:
    """Django's test client: the threads of the test are the threads of the server."""

    name = "threads"

    def browser(self, user: Any = None) -> Browser:
        browser = Browser(enforce_csrf_checks=True)
        if user:
            browser.force_login(user)
        return browser


class Gunicorn:
    """A server of two processes, which share nothing but the database."""

    name = "gunicorn"

    def __init__(self, port: int, log: Path) -> None:
        self.port, self.log = port, log

    def browser(self, user: Any = None) -> HttpBrowser:
        return HttpBrowser(self.port, Threads().browser(user).cookies)


class HttpAnswer:
    """What came back, read as Django's test client would let it be read."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code, self.headers, self.content = status, headers, content

    def __getitem__(self, header: str) -> str:
        return self.headers[header]

    def json(self) -> Any:
        return json.loads(self.content)


class HttpBrowser:
    """Keeps cookies, follows nothing, and speaks HTTP. Each request has a connection of its own, so that either worker may take it."""

    def __init__(self, port: int, cookies: SimpleCookie) -> None:
        self.port, self.cookies = port, cookies

    def get(self, path: str, params: Mapping[str, str] | None = None) -> HttpAnswer:
        return self._ask("GET", f"{path}?{urlencode(params)}" if params else path, None, {})

    def post(
        self,
        path: str,
        data: str | Mapping[str, Any],
        content_type: str = FORM,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        body = data if isinstance(data, str) else urlencode(data, doseq=True)
        return self._ask("POST", path, body, {"Content-Type": content_type} | dict(headers or {}))

    def generic(
        self, method: str, path: str, data: str = "", content_type: str = FORM, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        return self._ask(method, path, data, {"Content-Type": content_type} | dict(headers or {}))

    def hang_up(self, path: str, form: Mapping[str, str]) -> None:
        """Send, and be gone before the answer."""
        http = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        http.request("POST", path, urlencode(form), {"Content-Type": FORM})
        http.close()

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> HttpAnswer:
        cookies = "; ".join(f"{one.key}={one.value}" for one in self.cookies.values())
        http = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            http.request(method, path, body, headers | ({"Cookie": cookies} if cookies else {}))
            response = http.getresponse()
            for name, value in response.getheaders():
                if name == "Set-Cookie":
                    self.cookies.load(value)
            return HttpAnswer(response.status, response.headers, response.read())
        finally:
            http.close()


@contextmanager
def serve(folder: Path, settings: str = "tests.races.settings") -> Iterator[Gunicorn]:
    """Gunicorn with two workers, beside the test, on the test's database."""
    port, log = free_port(), folder / "gunicorn.log"
    command = [sys.executable, "-m", "gunicorn", "tests.races.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    workers = ["--workers", "2", "--worker-class", "gthread", "--threads", "16", "--backlog", "256"]
    with log.open("wb") as output:
        process = subprocess.Popen(command + workers, cwd=ROOT, env=environment(settings), stdout=output, stderr=output)
        try:
            knock = HttpBrowser(port, SimpleCookie())
            until_served(lambda: knock.get("/.well-known/oauth-authorization-server"), process, log.read_text)
            yield Gunicorn(port, log)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def environment(settings: str, **more: str) -> dict[str, str]:
    """That of another process on the test's database."""
    there = {"TEST_DATABASE_NAME": str(connection.settings_dict["NAME"]), "TEST_LIMITS": " ".join(limits())}
    return {**os.environ, "DJANGO_SETTINGS_MODULE": settings, **there, **more}


def limits() -> list[str]:
    """What every component limits. No race is to run into it: whoever loses one is to say why."""
    return list(default_issuer().settings.throttles)
