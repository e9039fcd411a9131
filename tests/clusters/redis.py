"""A Redis of its own, which goes and comes."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from tests.clusters.processes import need, send
from tests.e2e.conftest import free_port


class Redis:
    """It keeps nothing when it is killed."""

    def __init__(self, folder: Path) -> None:
        need("redis-server")
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self._process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        time.sleep(0.5)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        send([self._process.pid], signal.SIGSTOP)

    def thaw(self) -> None:
        send([self._process.pid], signal.SIGCONT)
