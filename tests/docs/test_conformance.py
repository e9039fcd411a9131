"""The page that lists what certification demands is as the tests have it."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

from tests.docs.pages import DOCS

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
