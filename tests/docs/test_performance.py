"""The page about performance shows the figures that the tests compare with."""

from __future__ import annotations

from tests.budgets.costs import FIGURES, kept
from tests.docs.pages import DOCS

COSTS = kept()["Python 3.11, Django 5.2, postgresql"]


def row(request: str) -> str:
    """Opaque tokens and, where they differ, JWTs."""
    shown = []
    for figure in FIGURES:
        both = dict.fromkeys(f"{COSTS[f'{request}, {form}'][figure]:,}" for form in ("opaque", "at+jwt"))
        shown.append(" / ".join(both))
    return " | ".join([request, *shown])


def test_the_page_has_what_is_written_down() -> None:
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    missing = [row(request) for request in {name.rsplit(", ", 1)[0] for name in COSTS} if row(request) not in page]
    assert missing == []
