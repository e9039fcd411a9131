"""A newcomer's stopwatch: an empty Django project, and the ten lines of docs/getting-started.md as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.docs.pages import DOCS
from tests.e2e.conftest import free_port
from tests.waiting import PATIENCE

PAGE = (DOCS / "getting-started.md").read_text(encoding="utf-8").partition("## 1. A project")[0]
SERVICE = (DOCS / "service-to-service.md").read_text(encoding="utf-8")
SETTINGS, URLS = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
MOST_LINES = 10
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"} | {
    "PYTHONPATH": str(DOCS.parent)
}


def test_ten_lines_are_enough() -> None:
    assert len([line for line in (SETTINGS + URLS).splitlines() if line.strip()]) <= MOST_LINES


def test_an_empty_project_becomes_a_protected_api(tmp_path: Path) -> None:
    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout

    subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", "."], cwd=tmp_path, check=True)
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    for name, code in (("settings", SETTINGS.replace("http://127.0.0.1:8000", site)), ("urls", URLS)):
        path = tmp_path / "mysite" / f"{name}.py"
        path.write_text(path.read_text() + code)
    manage("check")
    manage("migrate")
    (command,) = re.findall(r"^\$ python manage.py (createclient .*)", PAGE, re.M)
    client = json.loads(manage(*shlex.split(command), "--json"))
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", str(port)], cwd=tmp_path, env=ENVIRONMENT
    )
    try:
        answer = until_answered(
            f"{site}/oauth/token",
            {"grant_type": "client_credentials", "scope": "notes:read"},
            (client["client_id"], client["client_secret"]),
        )
        held = {"Authorization": f"Bearer {answer['access_token']}"}
        assert requests.get(f"{site}/api/notes", headers=held).json() == {"client": client["client_id"]}
        assert requests.get(f"{site}/api/notes").status_code == 401
        assert report(client, site) == {"client": client["client_id"]}
    finally:
        server.terminate()
        server.wait(PATIENCE)


def report(client: dict[str, str], site: str) -> object:
    """What the service of docs/service-to-service.md reads."""
    (code,) = re.findall(r"^```python\n(# report.py\n.*?)^```", SERVICE, re.S | re.M)
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CLIENT_ID", client["client_id"])
        environment.setenv("CLIENT_SECRET", client["client_secret"])
        return names["notes"](site)


def until_answered(url: str, form: dict[str, str], client: tuple[str, str]) -> dict[str, str]:
    session = requests.Session()
    retries = requests.adapters.Retry(int(2 * PATIENCE), backoff_factor=0.1, backoff_max=0.5, allowed_methods=None)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
    answered: dict[str, str] = session.post(url, form, auth=client).json()
    return answered
