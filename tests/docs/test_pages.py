"""The pages say what the code has."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest
from django.core.management import get_commands, load_command_class

from django_oauth_server import errors
from tests.docs.pages import DOCS, PAGES, generate

FENCE = re.compile(r"^( *)```(\w+)(?: fragment)?\n(.*?)^\1```", re.S | re.M)


def fences(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for _, found, code in FENCE.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield page.name, dedent(code)


@pytest.mark.parametrize("name", ["settings.md", "components.md", "api.md", "messages.md"])
def test_the_reference_is_as_the_code_has_it(name: str) -> None:
    committed = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert committed == generated()[name], "run docs/generate.py"


generated = cache(generate.pages)


@pytest.mark.parametrize(("page", "code"), list(fences("python")))
def test_what_the_pages_import_is_there(page: str, code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django_oauth_server"):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                assert hasattr(module, name.name), f"{page}: {node.module} has no {name.name}"


@pytest.mark.parametrize(("page", "code"), list(fences("python")))
def test_what_the_pages_import_is_public(page: str, code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django_oauth_server."):
            names = generate.PUBLIC.get((node.module or "").removeprefix("django_oauth_server."))
            assert names is not None, f"{page}: {node.module} is not public"
            assert {one.name for one in node.names} <= set(names), f"{page}: {node.module}"


def test_every_error_is_public() -> None:
    assert set(generate.PUBLIC["errors"]) == set(errors.__all__)


def commands() -> Iterator[tuple[str, str]]:
    for page, text in fences("console"):
        for line in re.sub(r"\\\n", " ", text).splitlines():
            if found := re.match(r"\$ python manage\.py (\w+.*)", line):
                yield page, found[1]


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_the_commands_of_the_pages_are_there(page: str, line: str) -> None:
    name, *arguments = shlex.split(line)
    command = load_command_class(get_commands()[name], name)
    if command.__module__.startswith("django_oauth_server"):
        command.create_parser("manage.py", name).parse_args(arguments)


def test_every_system_check_is_explained() -> None:
    package = DOCS.parent / "django_oauth_server"
    there = {name for path in package.rglob("*.py") for name in re.findall(r'"(oauth_\w+\.[EW]\d+)"', path.read_text())}
    told = (DOCS / "operating.md").read_text() + (DOCS / "auditing.md").read_text()
    assert {name for name in there if f"`{name}`" not in told} == set()


def test_every_page_is_linked_from_the_first() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", index))
    there = {path.relative_to(DOCS).as_posix() for path in [*DOCS.glob("*.md"), *DOCS.glob("reference/*.md")]}
    assert there - linked <= {"index.md"}


def test_no_link_leads_nowhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert Path(page.parent / target).exists(), f"{page.name}: {target}"
