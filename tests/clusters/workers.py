"""Worker processes as a deployment runs them, and what clients know of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.clusters.processes import children_of, send, until
from tests.e2e.conftest import ROOT, free_port

MARIADB = {
    "ENGINE": "django.db.backends.mysql",
    "HOST": "127.0.0.1",
    "USER": "oauth",
    "PASSWORD": "oauth",
    "NAME": "oauth",
}
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "USER": "oauth", "NAME": "postgres"}


@dataclass(frozen=True)
class App:
    """A client, as whoever wrote it knows it."""

    client_id: str
    secret: str
    is_public: bool
    redirect_uris: list[str]


@dataclass(frozen=True)
class Prepared:
    """What is in the database before anybody asks."""

    clients: dict[str, App]
    sessions: list[str]
    limits: list[str]


def prepare(database: Mapping[str, Any], people: int = 24) -> Prepared:
    command = [sys.executable, "-m", "tests.clusters.prepare", str(people)]
    told = subprocess.run(command, env=_environment(database), capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stderr[-3000:]
    made = json.loads(told.stdout)
    made["clients"] = {name: App(**client) for name, client in made["clients"].items()}
    return Prepared(**made)


class Gunicorn:
    """One machine's workers, on one port."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port, self.process, self.log = port, process, log

    def kill_a_worker(self) -> None:
        """As when the kernel is out of memory; gunicorn starts another."""
        send(children_of(self.process.pid)[:1], signal.SIGKILL)

    def status(self, path: str) -> int:
        """0: nobody answers."""
        http = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            http.request("GET", path)
            return http.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            http.close()


@contextmanager
def serve(
    folder: Path, database: Mapping[str, Any], prepared: Prepared, *, workers: int = 2, **more: str
) -> Iterator[Gunicorn]:
    """The test project, with these settings of the *database*."""
    port = free_port()
    log = folder / f"gunicorn-{port}.log"
    command = [sys.executable, "-m", "gunicorn", "tests.races.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    many = ["--workers", str(workers), "--worker-class", "gthread", "--threads", "32", "--graceful-timeout", "3"]
    environment = _environment(database, CLUSTER_LIMITS=" ".join(prepared.limits), **more)
    with log.open("wb") as sink:
        process = subprocess.Popen([*command, *many], cwd=ROOT, env=environment, stdout=sink, stderr=sink)
    gunicorn = Gunicorn(port, process, log)
    try:
        until(lambda: gunicorn.status("/oauth/health") == 200, f"workers answer ({log})")
        yield gunicorn
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            send([*children_of(process.pid), process.pid], signal.SIGKILL)
            process.wait()


def _environment(database: Mapping[str, Any], **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    own = {"DJANGO_SETTINGS_MODULE": "tests.clusters.settings", "CLUSTER_DATABASE": json.dumps(dict(database))}
    return {**inherited, "PYTHONPATH": str(ROOT), **own, **more}


def seconds_until(holds: Any, longest: float) -> float:
    """How long it takes until that is so."""
    began = time.monotonic()
    until(holds, "what was waited for", longest)
    return time.monotonic() - began
