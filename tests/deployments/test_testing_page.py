"""The tests on the page about testing, run as they stand in projects of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS
from tests.waiting import PATIENCE

ROOT = DOCS.parent
FILES = re.findall(
    r"^```python\n# (\S+\.py)\n(.*?)^```", (DOCS / "testing.md").read_text(encoding="utf-8"), re.S | re.M
)
URLS = """
from django.urls import path
from notes import views

urlpatterns = [path("notes", views.notes), path("publish", views.publish)]
"""
BESIDE = """
from tests.settings import *

ROOT_URLCONF = "notes.urls"
"""
ALONE = """
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["django_oauth_server.resource"]
OAUTH_RESOURCE_SERVER = {"verifier": "notes.nowhere.Verifier", "resource": "https://notes.example"}
ROOT_URLCONF = "notes.urls"
"""
WITHOUT = "import sys\n\n\ndef test_nothing_of_the_authorization_server_is_there():\n    assert not {absent} & sys.modules.keys()\n"


def run(project: Path, files: dict[str, str], settings: str) -> str:
    """What pytest says of *files* in a project of their own."""
    for name, code in {
        **files,
        "notes/urls.py": URLS,
        "project_settings.py": settings,
        "pytest.ini": "[pytest]",
    }.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(code, encoding="utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TEST_", "DJANGO"))
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            ".",
        ],
        cwd=project,
        env=environment | {"DJANGO_SETTINGS_MODULE": "project_settings", "PYTHONPATH": f"{project}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_has_a_file() -> None:
    page = (DOCS / "testing.md").read_text(encoding="utf-8")
    assert page.count("```python\n") == len(FILES) == len(dict(FILES))


def test_beside_the_authorization_server(tmp_path: Path) -> None:
    run(tmp_path, {name: code for name, code in FILES if not name.startswith("remote/")}, BESIDE)


def test_a_resource_server_alone(tmp_path: Path) -> None:
    """Without a database, and without the models, which an import would fail for."""
    absent = {"oauthlib", "django_oauth_server.models", "django.contrib.auth.models", "rest_framework"}
    files = {name: code for name, code in FILES if not name.startswith("tests/")}
    run(tmp_path, files | {"remote/test_zz_alone.py": WITHOUT.format(absent=absent)}, ALONE)
