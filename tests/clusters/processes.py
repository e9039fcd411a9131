"""What runs beside a test and can be made to disappear: by its process ids, never by a name."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

LONGEST = 60.0
"""Seconds in which whatever is started answers."""


def need(*programs: str) -> None:
    """Skip where one of *programs*, or files, is not installed."""
    for program in programs:
        if not shutil.which(program) and not Path(program).exists():
            pytest.skip(f"{program} is not installed")


def as_user(user: str) -> list[str]:
    """How a command begins that *user* runs: databases refuse to run as root."""
    return ["runuser", "-u", user, "--"] if os.getuid() == 0 else []


def belongs_to(user: str, folder: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(folder, user)


def run(command: list[str], log: Path) -> None:
    """To a file: what is started keeps a pipe open."""
    with log.open("a") as sink:
        finished = subprocess.run(command, stdout=sink, stderr=sink, cwd="/", check=False)
    assert finished.returncode == 0, f"{command}: {log.read_text()[-3000:]}"


def children_of(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in told.stdout.split()]


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def until(holds: Callable[[], object], what: str, longest: float = LONGEST) -> None:
    """Wait for it, a moment at a time."""
    end = time.monotonic() + longest
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {longest} s"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Or a zombie, which holds nothing."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
