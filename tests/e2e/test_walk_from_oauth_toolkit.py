"""The move as docs/from-oauth-toolkit.md tells it: each block of the page is written or run, in its order, in a new project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.waiting import PATIENCE

pytest.importorskip("oauth2_provider", reason="django-oauth-toolkit is not installed")
pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/from-oauth-toolkit.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^ *```(\w+)(?: fragment)?\n(.*?)^ *```", re.S | re.M)
BEFORE = """
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS += ["rest_framework", "oauth2_provider"]
OAUTH2_PROVIDER = {"SCOPES": {"read": "see your notes", "write": "write and delete your notes"}}
"""
PREPARE = """
import datetime, json
from django.contrib.auth import get_user_model
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken
ada = get_user_model().objects.create_user("ada")
app = Application.objects.create(
    name="Notebook", client_id="notebook", client_secret="a secret", client_type="confidential",
    authorization_grant_type="authorization-code", redirect_uris="https://app.example/callback", user=ada,
)
expires = timezone.now() + datetime.timedelta(hours=10)
access = AccessToken.objects.create(user=ada, application=app, token="an-access-token", scope="read", expires=expires)
RefreshToken.objects.create(user=ada, application=app, token="a-refresh-token", access_token=access)
"""
USE = """
import json
from urllib.parse import urlencode
from django.test import Client
browser = Client(SERVER_NAME="localhost")
def read(token):
    return browser.get("/notes/", headers={{"Authorization": "Bearer " + token}})
assert read({access!r}).json() == {{"for": "ada"}}, read({access!r}).content
asked = {{"grant_type": "refresh_token", "refresh_token": {refresh!r}, "client_id": "notebook", "client_secret": "a secret"}}
answer = browser.post({token_url!r}, urlencode(asked), content_type="application/x-www-form-urlencoded")
print("answer:" + answer.content.decode())
"""


class Block(NamedTuple):
    """What a reader writes or runs."""

    section: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    section = ""
    for part in re.split(r"^(?=#{2,3} )", PAGE, flags=re.M):
        section = part.partition("\n")[0].strip("# ")
        for language, text in FENCE.findall(part):
            yield Block(section, language, re.sub(r"^ {3}", "", text, flags=re.M) if text.startswith("   ") else text)


class Project:
    """A new project of Django's own making, on django-oauth-toolkit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run(sys.executable, "-m", "django", "startproject", "mysite", ".")
        (folder / "notes").mkdir()
        self.write("notes/__init__.py", "")
        self.write(
            "notes/urls.py",
            "from django.urls import path\nfrom notes.views import NotesView\nurlpatterns = [path('', NotesView.as_view())]\n",
        )
        self.append("mysite/settings.py", BEFORE)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        self.write(name, (self.folder / name).read_text(encoding="utf-8") + text)

    def manage(self, *arguments: str) -> str:
        return self._run(sys.executable, "manage.py", *arguments)

    def _run(self, *command: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        environment = inherited | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def follow(self, section: str) -> str:
        """What the page says under this heading; what the last command printed."""
        printed = ""
        said = [one for one in blocks() if one.section == section]
        assert said, section
        for one in said:
            file = re.match(r"# (\S+\.py)\n", one.text)
            if one.language == "python":
                assert file, one.text
                (self.append if "settings" in file[1] else self.write)(file[1], f"\n{one.text}")
            elif one.language == "console":
                for command in one.text.splitlines():
                    printed = self.manage(*command.removeprefix("$ python manage.py ").split())
        return printed

    def use(self, access: str, refresh: str, token_url: str = "/o/token/") -> dict[str, str]:
        """Read notes with the access token, and use the refresh token: what is issued."""
        printed = self.manage("shell", "-c", USE.format(access=access, refresh=refresh, token_url=token_url))
        answer = json.loads(printed.partition("answer:")[2])
        assert "access_token" in answer, answer
        return dict(answer)


def views() -> tuple[str, str]:
    """The view of the page, before and after."""
    before, after = (one.text for one in blocks() if one.text.startswith("# notes/views.py"))
    return before, after


def urls(section: str) -> str:
    return next(one.text for one in blocks() if one.section == section and one.text.startswith("# mysite/urls.py"))


def test_the_page_leads_there_and_back(tmp_path: Path) -> None:
    project, (before, after) = Project(tmp_path), views()
    project.write("notes/views.py", before)
    project.write(
        "mysite/urls.py",
        'from django.urls import include, path\nurlpatterns = [path("o/", include("oauth2_provider.urls")), path("notes/", include("notes.urls"))]\n',
    )
    project.manage("migrate", "-v0")
    project.manage("shell", "-c", PREPARE)
    project.append("mysite/settings.py", 'INSTALLED_APPS += ["django_oauth_server", "django_oauth_server.resource"]\n')
    assert 'OAUTH_SERVER = {\n    "issuer": "https://your.host/o",' in project.manage(
        "adopt", "oauth_toolkit", "--settings-only"
    )
    settings = (tmp_path / "mysite/settings.py").read_text(encoding="utf-8")
    project.write("mysite/settings.py", settings.rpartition("INSTALLED_APPS +=")[0])

    project.follow("1. Install it beside DOT")
    assert "1 clients" in project.follow("2. Look at what would come along")
    assert "Adopted from django-oauth-toolkit" in project.follow("3. Adopt")

    issued = project.use("an-access-token", "a-refresh-token")  # by the toolkit, after the last run
    project.write("notes/views.py", after)
    project.follow("4. Switch")
    issued = project.use(issued["access_token"], issued["refresh_token"])

    project.follow("5. Or go back")
    project.write("notes/views.py", before)
    project.write("mysite/urls.py", urls("1. Install it beside DOT"))
    issued = project.use(issued["access_token"], issued["refresh_token"])

    project.write("notes/views.py", after)
    project.write("mysite/urls.py", urls("4. Switch"))
    project.manage("adopt", "oauth_toolkit", "--apply")
    issued = project.use(issued["access_token"], issued["refresh_token"])
    assert "token, notebook: " in project.follow("Afterwards")
    project.manage("migrate", "-v0", "oauth2_provider", "zero")
    project.append(
        "mysite/settings.py",
        '\nINSTALLED_APPS.remove("oauth2_provider")\ndel OAUTH2_PROVIDER\n',
    )
    project.write(
        "mysite/urls.py",
        urls("4. Switch").replace('    path("o/", include("django_oauth_server.urls.oauth_toolkit")),\n', ""),
    )
    project.use(issued["access_token"], issued["refresh_token"], "/o/oauth/token")
