"""The page that lists what certification demands is as the tests have it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from tests.docs.pages import DOCS

TESTS = DOCS.parent / "tests"

spec = spec_from_file_location("conformance", DOCS / "conformance.py")
assert spec and spec.loader
conformance = module_from_spec(spec)
spec.loader.exec_module(conformance)


def test_the_page_is_as_the_tests_have_it() -> None:
    assert conformance.PAGE.read_text(encoding="utf-8") == conformance.page(), "run docs/conformance.py"


def test_all_that_an_openid_provider_must_show_is_shown() -> None:
    shown = {one.number for one in conformance.found()}
    assert set(range(1, 50)) <= shown


def test_every_mark_names_a_requirement() -> None:
    known = {number for part in conformance.REQUIREMENTS.values() for number in part}
    assert {one.number for one in conformance.found()} <= known


CLAUSES = [
    (document.partition(":")[0], clause) for document, clauses in conformance.CLAUSES.items() for clause in clauses
]


@pytest.mark.parametrize(
    ("document", "clause"), CLAUSES, ids=[f"{document}, {one.section}" for document, one in CLAUSES]
)
def test_the_tests_of_a_clause_exist_and_pin_its_section(document: str, clause: Any) -> None:
    assert clause.tests
    for test in clause.tests:
        path, *names = test.split("::")
        assert (document, clause.section.partition(" ")[0]) in pinned(path)["::".join(names)], test


@cache
def pinned(path: str) -> dict[str, set[tuple[str, str]]]:
    """Each test of a file, with the sections of documents that it is marked with, itself, or as all of its class or file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    of_all = {one for node in tree.body if isinstance(node, ast.Assign) for one in _sections(ast.walk(node.value))}
    classes = [(node, f"{node.name}::") for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        prefix + test.name: of_all.union(_sections([*test.decorator_list, *getattr(holder, "decorator_list", ())]))
        for holder, prefix in [(tree, ""), *classes]
        for test in holder.body
        if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _sections(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    for call in nodes:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "spec":
            document, *sections = [ast.literal_eval(argument) for argument in call.args]
            yield from ((document, section.partition(" ")[0]) for section in sections)
