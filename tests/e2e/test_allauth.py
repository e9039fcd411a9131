"""Sign-in is Django's LOGIN_URL: django-allauth serves it as well as django.contrib.auth does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


def test_the_figure_with_allauth() -> None:
    pytest.importorskip("allauth", reason="django-allauth is not installed")
    arguments = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--ds=tests.e2e.allauth_project.settings"]
    command = [sys.executable, "-m", "pytest", *arguments, "tests/e2e/allauth_project/walk.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
