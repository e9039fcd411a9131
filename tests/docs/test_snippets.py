"""Every fenced block of the documentation runs, or says that it is a fragment."""

from __future__ import annotations

import json
import shlex
import sys
from copy import deepcopy
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.template import Engine

from django_oauth_server.models import Client
from django_oauth_server.registry import issuers
from django_oauth_server.resource.conf import bindings, load
from tests.docs.pages import DOCS, PAGES
from tests.docs.snippets import Snippet, of_page, snippets

OUTPUT = {"text", "{toctree}", "{image}", "{include}"}
"""Not code: figures, what a command prints, requests as they are sent, what the site's generator reads."""
RUN_HERE = {"python", "json", "django", "html", "console"}
RUN_BY = {
    ("README.md", "sh"): ".ci/run",
    ("certification.md", "sh"): "tests/e2e/test_certification.py",
    ("single-page-app.md", "js"): "tests/e2e/test_guides.py",
    ("from-oauth-toolkit.md", "sh"): "tests/e2e/test_walk_from_oauth_toolkit.py",
    ("token-exchange.md", "sh"): "tests/e2e/test_chain.py",
    ("device.md", "sh"): "tests/e2e/clients/test_device.py",
    ("workloads.md", "sh"): "tests/e2e/test_workload_recipes.py",
    ("operating.md", "nginx"): "tests/deployments/test_proxy.py",
}
"""Which file runs the blocks of a page in other languages."""
AT_HAND = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.urls import include, path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import DjangoModelPermissions, IsAdminUser, IsAuthenticated
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet
from django_oauth_server.resource.drf import SignedIn
User = get_user_model()
"""
"""What a reader has imported already: everyday names of Django and REST framework."""
WITH_PYTHON = [page for page in PAGES if any(one.language == "python" and not one.is_fragment for one in of_page(page))]


def test_no_block_is_left_out() -> None:
    left_out = [
        f"{one} ({one.info or 'no language'})"
        for page in PAGES
        for one in of_page(page)
        if not one.is_fragment and one.language not in OUTPUT | RUN_HERE and (page.name, one.language) not in RUN_BY
    ]
    assert left_out == [], 'run them in this room, or mark them: "```js fragment"'


@pytest.mark.parametrize(("page", "runner"), [(page, runner) for (page, _), runner in RUN_BY.items()])
def test_what_runs_elsewhere_is_read_there(page: str, runner: str) -> None:
    assert page in (DOCS.parent / runner).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, reader: Reader) -> None:
    code = [one for one in of_page(page) if one.language == "python" and not one.is_fragment]
    # Models first, then other files: a page may name a file in the settings before it shows the file.
    for one in sorted(code, key=lambda one: (not one.module, not one.module.endswith("models"))):
        reader.reads(one)


@pytest.mark.parametrize("one", snippets("json"), ids=str)
def test_json_can_be_read(one: Snippet) -> None:
    json.loads(one.code)


@pytest.mark.parametrize("one", snippets("django", "html"), ids=str)
def test_templates_compile(one: Snippet) -> None:
    Engine.get_default().from_string(one.code)


@pytest.mark.parametrize("one", snippets("console"), ids=str)
def test_a_console_has_commands_of_the_project_alone(one: Snippet) -> None:
    """Which of them are there, and take these arguments, is test_pages' to say."""
    others = [command for command in one.commands if not command.startswith("python manage.py ")]
    assert one.commands and others == [], 'mark the block: "```console fragment"'


CREATED = [
    (one, shlex.split(command.removeprefix("python manage.py createclient ")))
    for one in snippets("console")
    for command in one.commands
    if command.startswith("python manage.py createclient ")
]


@pytest.mark.parametrize(("one", "arguments"), CREATED, ids=str)
def test_the_clients_of_the_pages_can_be_registered(
    db: None, settings: Any, one: Snippet, arguments: list[str]
) -> None:
    declared = django_settings.OAUTH_SERVER
    asked = dict(pairwise(arguments)).get("--scope", "")
    scopes = {scope: f"use {scope}" for scope in asked.split()}
    settings.OAUTH_SERVER = declared | {"scopes": scopes | declared["scopes"]}
    call_command("createclient", *arguments)
    assert Client.objects.count() == 1


class Reader:
    """Reads a page from its beginning, and writes down what it says: files where it names them, settings, and the rest in one module."""

    def __init__(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._settings, self._monkeypatch = settings, monkeypatch
        self.written: dict[str, Any] = {
            "INSTALLED_APPS": [],
            "MIDDLEWARE": [],
            "TEMPLATES": deepcopy(django_settings.TEMPLATES),
            "DATABASES": {"default": {"OPTIONS": {}}},
            "CACHES": {"default": {}},
            "REST_FRAMEWORK": {},
            "BASE_DIR": DOCS.parent,
            "urlpatterns": [],
        }
        for name in ("INTROSPECTION_CLIENT_ID", "INTROSPECTION_CLIENT_SECRET"):
            monkeypatch.setenv(name, "a value")

    def reads(self, one: Snippet) -> dict[str, Any]:
        """Write it down, and accept the settings in it; all that is written by then."""
        code = compile("\n" * one.line + one.code, one.page, "exec")
        if one.module:
            self.written |= self._file(one.module, code)
        else:
            for setting in ("OAUTH_SERVER", "OAUTH_RESOURCE_SERVER"):
                self.written.pop(setting, None)
            exec(AT_HAND, self.written)
            exec(code, self.written)
            self._accept()
        return self.written

    def _file(self, name: str, code: CodeType) -> dict[str, Any]:
        module = import_module("tests.mysite.models") if name == "mysite.models" else ModuleType(name)
        package = name.rpartition(".")[0]
        if package and package not in sys.modules:
            self._monkeypatch.setitem(sys.modules, package, ModuleType(package))
        self._monkeypatch.setitem(sys.modules, name, module)
        if name != "mysite.models":  # a model is made once
            exec(code, module.__dict__)
        return {key: value for key, value in vars(module).items() if not key.startswith("__")}

    def _accept(self) -> None:
        """The settings as they are read at start-up."""
        if "OAUTH_SERVER" in self.written:
            self._settings.OAUTH_SERVER = {"issuer": "https://your.host"} | self.written["OAUTH_SERVER"]
            assert issuers()
        if "OAUTH_RESOURCE_SERVER" in self.written:
            self._settings.OAUTH_RESOURCE_SERVER = self.written["OAUTH_RESOURCE_SERVER"]
            load()
            bindings()


@pytest.fixture
def reader(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(settings, monkeypatch)
