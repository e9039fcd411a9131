"""Registered clients, and the packages from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT, Example

Register = Callable[..., dict[str, str]]
HERE = Path(__file__).resolve().parent
MODULES = HERE.parent / "node_modules"


@pytest.fixture(scope="session")
def register(example: Example) -> Register:
    """`createclient --json`, as a script would use it."""

    def createclient(**metadata: object) -> dict[str, str]:
        command = [
            sys.executable,
            str(ROOT / "example_project/manage.py"),
            "createclient",
            "--json",
            "--metadata",
            json.dumps(metadata),
        ]
        environment = {**os.environ, "EXAMPLE_VAR": str(example.output.parent), "OAUTH_ISSUER": example.url}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    return createclient


@pytest.fixture
def person(example: Example) -> Person:
    return Person(example.password)


@pytest.fixture(scope="session")
def npm() -> Path:
    """The packages of package.json, installed once."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node is not installed")
    if not (MODULES / "oauth4webapi").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
        subprocess.run(command, cwd=HERE.parent, check=True)
    return MODULES
