"""The page's files, and how a test has some of them in its project."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import clear_url_caches

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```python\n# mysite/(\w+)\.py\n(.*?)^```", PAGE, re.S | re.M))
TEMPLATES = dict(zip(("new_terms", "choose_team"), re.findall(r"^```html\n(.*?)^```", PAGE, re.S | re.M), strict=True))


def forget_urls() -> None:
    """They are read anew when they are asked for, as a server that starts does: a component may bring endpoints."""
    for name in ("django_oauth_server.urls", "tests.urls"):
        sys.modules.pop(name, None)
    clear_url_caches()


class Project:
    """What a reader has: a folder with files, and settings."""

    def __init__(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._settings, self._monkeypatch, self._plain = settings, monkeypatch, settings.OAUTH_SERVER
        monkeypatch.setitem(sys.modules, "mysite", ModuleType("mysite"))

    def write(self, *names: str) -> None:
        """The files *names*, and no others."""
        for name in names:
            self._add(name, import_module("tests.mysite.models") if name == "models" else ModuleType(f"mysite.{name}"))

    def set(self, **said: object) -> None:
        """What stands in OAUTH_SERVER beside what the tests have there."""
        self._settings.OAUTH_SERVER = self._plain | said
        forget_urls()

    def _add(self, name: str, module: ModuleType) -> None:
        self._monkeypatch.setitem(sys.modules, f"mysite.{name}", module)
        if name != "models":
            exec(compile(FILES[name], "docs/extending.md", "exec"), module.__dict__)

    def module(self, name: str) -> Any:
        return sys.modules[f"mysite.{name}"]

    def templates(self) -> None:
        engine: Any = django_settings.TEMPLATES[0]
        loaders = [
            (
                "django.template.loaders.locmem.Loader",
                {f"mysite/{name}.html": html for name, html in TEMPLATES.items()},
            ),
            "django.template.loaders.app_directories.Loader",
        ]
        self._settings.TEMPLATES = [engine | {"APP_DIRS": False, "OPTIONS": engine["OPTIONS"] | {"loaders": loaders}}]
