"""Everything works in projects that are not the example, from the metadata to a protected view, under WSGI and under ASGI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployments.kinds import KINDS
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_figure_in_a_project_of_another_kind(kind: str) -> None:
    arguments = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--ds=tests.deployments.settings"]
    command = [sys.executable, "-m", "pytest", *arguments, "tests/deployments/walk.py"]
    env = os.environ | {"DEPLOYMENT": kind}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
