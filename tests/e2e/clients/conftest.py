"""Registered clients."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT, Example, started

Register = Callable[..., dict[str, Any]]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example project with all of OpenID Connect, for relying parties that were written before OAuth 2.1; they may register themselves."""
    home = tmp_path_factory.mktemp("provider")
    with started(home, OAUTH_PROFILE="openid_connect", OAUTH_REGISTRATION="open") as running:
        yield running


@pytest.fixture(scope="session")
def register(example: Example) -> Register:
    return register_at(example)


def register_at(example: Example) -> Register:
    """`createclient --json`, as a script would use it."""

    def createclient(**metadata: object) -> dict[str, Any]:
        command = [
            sys.executable,
            str(ROOT / "example_project/manage.py"),
            "createclient",
            "--json",
            "--metadata",
            json.dumps(metadata),
        ]
        made = subprocess.run(command, env=example.environment, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    return createclient


@pytest.fixture
def person(example: Example) -> Person:
    return Person(example.password)


@pytest.fixture
def person_at_provider(provider: Example) -> Person:
    return Person(provider.password)
