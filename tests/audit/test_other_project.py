"""Everything works, and nothing opens, in a project that is set up as unlike the test project as Django allows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


def test_the_figure_in_another_project() -> None:
    arguments = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--ds=tests.audit.other_project.settings"]
    command = [sys.executable, "-m", "pytest", *arguments, "tests/audit/other_project/walk.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
