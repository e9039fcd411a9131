"""The fenced blocks of the documentation. One that is marked, "```python fragment", is an excerpt that nobody runs; every other one runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.docs.pages import DOCS, PAGES

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.S | re.M)
_FILE = re.compile(r"# (\S+)\.py\n")
_COMMAND = re.compile(r"^\$ ((?:[^\n]*\\\n)*[^\n]*)", re.M)


@dataclass(frozen=True)
class Snippet:
    """A fenced block, and where it stands."""

    page: Path
    line: int
    info: str
    code: str

    @property
    def language(self) -> str:
        return self.info.split(" ")[0]

    @property
    def is_fragment(self) -> bool:
        return self.info.endswith(" fragment")

    @property
    def module(self) -> str:
        """Its dotted name, where its first line names its file."""
        named = _FILE.match(self.code)
        return named[1].replace("/", ".") if named else ""

    @property
    def commands(self) -> list[str]:
        """What a reader types at the prompts of a console, each on one line."""
        return [re.sub(r" *\\\n *", " ", one) for one in _COMMAND.findall(self.code)]

    def __str__(self) -> str:
        return f"{self.page.relative_to(DOCS.parent)}:{self.line}"


def of_page(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        yield Snippet(page, text.count("\n", 0, found.start()) + 1, found[2], dedent(found[3]))


def snippets(*languages: str) -> list[Snippet]:
    """Those of all pages that run, in *languages*."""
    return [one for page in PAGES for one in of_page(page) if one.language in languages and not one.is_fragment]
